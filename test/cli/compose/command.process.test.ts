import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelManifestSchema } from '../../../pipeline/compose/model-manifest.ts';
import { openLibrary } from '../../../pipeline/library/open.ts';
import { writtenLibrary } from '../../library/fixture.ts';
import { present } from '../../support/present.ts';
import { program } from '../../support/program.ts';

/** Turns the exit code into 99 where TensorFlow.js was loaded. */
const watch = "data:text/javascript,process.on('exit',()=>{if('_tfengine'in globalThis)process.exitCode=99})";

describe('cli/compose/command', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  before(async () => (folder = await writtenLibrary()));
  after(() => folder.remove());

  const compose = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', watch, ...program, 'compose', folder.path, ...args], {
      cwd: folder.path,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder.path },
    });

  it('shows the choice and writes the model without an engine', async () => {
    const { status, stdout, stderr } = compose('--params', '95%', '--max-drop', '30pp', '--no-measure');
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.match(stdout, /latency: FFN blocks alone, p50 from the run/);
    assert.match(stdout, /^params .* 9\d\.\d % .*$/m);
    assert.match(stdout, /^block-01 /m);
    assert.match(stdout, /Not measured, as asked/);
    const model = join(folder.path, 'models', 'params-95pct-drop-30pp');
    assert.ok(existsSync(join(model, 'model.onnx')) && existsSync(join(model, 'model.json')));
    const manifest = modelManifestSchema.parse(
      JSON.parse(readFileSync(join(model, 'composition.json'), 'utf8')),
    );
    assert.equal(manifest.measured, undefined);
    const { teacher } = (await openLibrary(folder.path)).manifest;
    assert.ok(
      manifest.params <= present(present(manifest.limits).params) &&
        present(present(manifest.limits).params) < teacher.params,
    );
    assert.equal(present(manifest.limits).top1LossPp, 30);
    assert.equal(present(manifest.predicted).by, 'predictor');
    // The run's own latencies are of blocks alone.
    assert.equal(present(manifest.predicted).latencyMs, undefined);
  });

  it('says how to measure a model whose images are not known', () => {
    const { status, stdout } = compose('--size', '99%', '--out', 'model');
    // Looking for the run's images loads the datasets' tensors.
    assert.ok(status === 0 || status === 99);
    assert.match(stdout, /Not measured: .* does not lie in the run that made it[^]*--config FILE/);
    assert.ok(existsSync(join(folder.path, 'model', 'composition.json')));
  });

  it('answers in JSON, several times, and writes nothing on a dry run', () => {
    const { status, stdout } = compose('--macs', '99%', '--top', '3', '--dry-run', '--json');
    assert.equal(status, 0);
    const {
      models,
      folder: written,
      teacher,
      limits,
    } = JSON.parse(stdout) as {
      models: { widths: number[]; predictedDropPp: number; macs: number }[];
      folder?: string;
      teacher: { macs: number };
      limits: { macs: number };
    };
    assert.equal(written, undefined);
    assert.equal(limits.macs, Math.floor(0.99 * teacher.macs));
    assert.equal(models.length, 3);
    models.forEach(({ widths, predictedDropPp, macs }, place) => {
      assert.equal(widths.length, 2);
      assert.ok(macs <= limits.macs);
      if (place > 0) assert.ok(predictedDropPp >= models[place - 1]!.predictedDropPp);
    });
    assert.ok(!existsSync(join(folder.path, 'models', 'macs-99pct')));
  });

  it('prints the front as CSV and nothing else', () => {
    const { status, stdout, stderr } = compose('--pareto', '--by', 'size');
    assert.equal(status, 0);
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\r\n');
    assert.ok(lines.length > 3 && lines.every((line) => line.split(',').length === 7));
  });

  it('says what binds where nothing fits, with exit code 2', () => {
    const { status, stdout, stderr } = compose('--params', '1%', '--latency', '1us');
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^error: params <= \d+, latency <= 0\.001 ms: nothing in .* fits: params is .* at least/,
    );
    assert.match(stderr, /latency is of FFN blocks alone/);
    assert.match(stderr, /next: nearest, with the limits raised by [\d.]+ %: params /);
  });
});
