import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import type { LibrarySummary } from '../../pipeline/cli/show/summary.ts';
import { normalise } from '../../datasets/normalise.ts';
import type { ModelManifest } from '../../pipeline/compose/model-manifest.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import { openMeasuredSplit } from '../../pipeline/library/images.ts';
import { answersFile, readAnswers } from '../../pipeline/report/answers.ts';
import { examplesFile, readExamples } from '../../pipeline/report/examples-file.ts';
import type { TestReport } from '../../pipeline/stages/blocks/artefacts.ts';
import { predictions } from '../../pipeline/stages/blocks/page/predictions.ts';
import { readBlocksRun } from '../../pipeline/stages/blocks/page/read-run.ts';
import { sourceOfRun } from '../../pipeline/stages/run-records.ts';
import { toPlanes } from '../../pipeline/runtime/to-planes.ts';
import { startRuntime } from '../../pipeline/runtime/index.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';
import {
  assertTrained,
  finished,
  hashes,
  smallConfig,
  succeeded,
  workplace,
  type Workplace,
} from './blockforge.ts';
import { present } from '../support/present.ts';

/** What asks how jobs fit together, which no engine changes, is asked on the first. */
const engines = installedEngines().tensorflow === undefined ? ['wasm'] : ['tensorflow', 'wasm'];

for (const engine of engines) {
  describe(`the pipeline, from a checkpoint to a library [${engine}]`, () => {
    let place: Workplace;
    const config = ['--config', 'small.yaml', '--engine', engine];
    const library = () => join(place.folder, 'runs', 'small', 'library');

    before(() => {
      place = workplace();
      place.write('small.yaml', smallConfig());
    });
    after(() => place.remove());

    it('plans at once, without an engine', async () => {
      const plan = await place.blockforge(...config, '--plan');
      succeeded(plan);
      assert.match(plan.stdout, /distill\/shard-0/);
      assert.equal(existsSync(join(place.folder, 'runs', 'small', 'teacher')), false);
    });

    it('ends with a library that checks out', async () => {
      const run = await place.run(config);
      succeeded(run);
      assert.equal(finished(run.events).includes('export/library'), true);
      const { manifest } = await openLibrary(library(), { check: 'hashes' });
      assert.equal(manifest.engine.name, engine);
      assert.equal(manifest.blocks.length, manifest.teacher.architecture.depth);
      for (const { descendants, hidden } of manifest.blocks) {
        assert.deepEqual(
          descendants.map(({ width }) => width),
          [hidden, hidden / 2, hidden / 4],
        );
      }
      assert.equal(manifest.uniform.length, 2);
      assert.deepEqual(manifest.fitted?.distill?.steps, { least: 20, most: 20 });
    });

    if (engine === engines[0]) {
      it('says to the digit what the bench of recipes says of the same images', async () => {
        const out = join(place.folder, 'quality.json');
        const asked = [
          '--recipes',
          'blockforge',
          '--sparsities',
          '0.5,0.75',
          '--uniform-only',
          '--distill',
          '20',
        ];
        succeeded(await place.bench('quality', ...config, '--folds', '1', ...asked, '--out', out));
        const { rows } = JSON.parse(readFileSync(out, 'utf8')) as {
          rows: readonly { readonly sparsity: number; readonly distillSteps: number; readonly kl: number }[];
        };
        const { manifest } = await openLibrary(library(), { check: 'none' });
        const expected = manifest.uniform.flatMap(({ sparsity, refit, distilled }) => [
          { sparsity, distillSteps: 0, kl: refit.kl },
          { sparsity, distillSteps: 20, kl: present(distilled).kl },
        ]);
        const bySteps = (one: { distillSteps: number }, other: { distillSteps: number }) =>
          one.distillSteps - other.distillSteps;
        assert.deepEqual(
          rows.map(({ sparsity, distillSteps, kl }) => ({ sparsity, distillSteps, kl })).sort(bySteps),
          expected.sort(bySteps),
        );
      });
    }

    it('shows it, for people and for programs', async () => {
      const text = await place.blockforge('show', 'runs/small');
      succeeded(text);
      assert.match(text.stdout, /Whole models/);
      const shown = await place.blockforge('show', library(), '--json');
      succeeded(shown);
      const summary = JSON.parse(shown.stdout) as LibrarySummary;
      assert.equal(summary.teacher.images, 200);
      assert.ok(summary.teacher.top1 > 50, `the demo's teacher is at ${summary.teacher.top1} %`);
      for (const { sparsity, refit, distilled } of summary.uniform) {
        assert.ok(sparsity > 0 && refit.top1 >= 0 && present(distilled).top1 <= 100);
      }
      // The test split's numbers, from the run that the library lies in.
      assert.equal(present(summary.test).images, 100);
      assert.equal(present(present(summary.test).allocated).length, 2);
    });

    it('keeps what every model said of every test image, and some that were lost or gained', async () => {
      const folder = join(place.folder, 'runs', 'small', 'report', 'test');
      const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as TestReport;
      const { labels, models } = present(await readAnswers(join(folder, answersFile)));
      const top1 = (id: string) =>
        (100 * present(models[id]).filter((said, image) => said === labels[image]).length) / labels.length;
      assert.equal(top1('teacher'), present(report.teacher).top1Percent.mean);
      for (const { sparsity, refit, distilled } of present(report.uniform)) {
        assert.equal(top1(`uniform/${sparsity}/refit`), present(refit).top1Percent.mean);
        assert.equal(top1(`uniform/${sparsity}/distilled`), present(distilled).top1Percent.mean);
      }
      for (const { id, measured } of present(report.allocated)) {
        assert.equal(top1(id), measured.top1Percent.mean);
      }
      const { model, lost, gained } = present(await readExamples(join(folder, examplesFile)));
      const teacher = present(models['teacher']);
      for (const { image, label, ...said } of [...lost.shown, ...gained.shown]) {
        assert.equal(label, labels[image]);
        assert.equal(said.teacher.class, teacher[image]);
        assert.equal(said.model.class, present(models[model])[image]);
      }
      for (const { file } of lost.shown) assert.ok(existsSync(join(folder, file)));
      assert.ok(Math.abs(top1('teacher') - top1(model) - (lost.images - gained.images)) < 1e-9, '100 images');
    });

    it('leaves a report, which is made again from the folder as it was', async () => {
      const path = join(place.folder, 'runs', 'small', 'report.html');
      const first = readFileSync(path, 'utf8');
      assert.match(first, /Where the time went/);
      assert.doesNotMatch(first, /is still at work|was stopped|Not whole/);
      const again = await place.blockforge('report', 'small');
      succeeded(again);
      assert.match(again.stdout, /^Report: runs\/small\/report\.html /m);
      assert.equal(readFileSync(path, 'utf8'), first);
      const data = await place.blockforge('report', library(), '--json');
      succeeded(data);
      assert.equal((JSON.parse(data.stdout) as { title: string }).title, 'small');
    });

    it('tells in its report of the predictions what the library does', async () => {
      const run = present(await readBlocksRun(join(place.folder, 'runs', 'small')));
      const { errors } = present(predictions(run));
      assert.deepEqual(errors, present(run.library.manifest.predictor).crossValidated.all);
    });

    it('measures in three contexts, allocates within the uniform budget and tells how well it predicts', async () => {
      const { manifest } = await openLibrary(library(), { check: 'none' });
      assert.deepEqual(
        present(manifest.contexts).map(({ name, width }) => [name, width]),
        [
          ['teacher', 384],
          ['middle', 192],
          ['sparsest', 96],
        ],
      );
      const context = present(manifest.contexts).filter(({ name }) => name === 'sparsest')[0]!;
      const uniform = present(manifest.uniform[1]!.distilled);
      assert.deepEqual(context.top1Percent, uniform.top1Percent);
      for (const { deltas } of manifest.blocks.flatMap(({ descendants }) => descendants)) {
        const all = [deltas.teacher, present(deltas.middle), present(deltas.sparsest)];
        const mean = all.reduce((sum, { top1Pp }) => sum + top1Pp.mean, 0) / 3;
        assert.ok(Math.abs(present(deltas.average).top1Pp.mean - mean) < 1e-9);
      }
      present(manifest.allocated).forEach(({ params, scores, sparsity }, index) => {
        assert.equal(sparsity, manifest.uniform[index]!.sparsity);
        assert.ok(params <= manifest.uniform[index]!.params);
        assert.ok(scores.kl <= present(manifest.uniform[index]!.distilled).kl);
      });
      // Sums are held against the random half of them alone.
      assert.equal(present(manifest.additivity).averageSum.all.compositions, 4);
      assert.ok(present(manifest.predictor).parameters.scale > 0);
    });

    it('is verified with its numbers, and composed into a model that other runtimes agree with', async () => {
      const verified = await place.blockforge('verify', 'runs/small', '--measure', '--engine', engine);
      succeeded(verified);
      const composed = await place.blockforge(
        'compose',
        'runs/small',
        '--params',
        '70%',
        '--engine',
        engine,
        '--json',
      );
      succeeded(composed);
      const folder = join(library(), 'models', 'params-70pct');
      const model = JSON.parse(readFileSync(join(folder, 'composition.json'), 'utf8')) as ModelManifest;
      const { measured, descendants } = model;
      assert.equal(present(measured).images, 200);
      succeeded(await place.blockforge('verify', folder));
      const opened = await openLibrary(library());
      assert.ok(model.params <= 0.7 * opened.manifest.teacher.params);
      if (!(await hasOnnxRuntime())) return;
      const source = await sourceOfRun(opened);
      const images = await openMeasuredSplit(opened, present(source), 'selection');
      const runtime = await startRuntime(opened, { descendants });
      const { preprocessing, architecture } = opened.manifest.teacher;
      const { pixels, labels, count } = await images.load(images.items);
      const values = normalise(pixels, preprocessing);
      const size = values.length / count;
      let right = 0;
      for (let image = 0; image < count; image++) {
        const planes = toPlanes(values.subarray(image * size, (image + 1) * size), architecture.channels);
        const { classIndex } = (await runtime.predict(planes))[0]!;
        if (classIndex === labels[image]) right++;
      }
      await runtime.close();
      assert.equal(right, Math.round((present(measured).top1Percent.mean / 100) * present(measured).images));
    });

    it('does nothing the second time', async () => {
      const before = hashes(library());
      const run = await place.run(config);
      succeeded(run);
      assert.deepEqual(finished(run.events), []);
      assert.deepEqual(hashes(library()), before);
    });

    it('does again exactly what a changed setting touches', async () => {
      const run = await place.run([...config, '--set', 'rank.resource=macs']);
      succeeded(run);
      assert.deepEqual(finished(run.events), ['rank/library', 'export/library', 'report/test']);
    });

    it('polishes a whole model on request, apart from the library', async () => {
      const set = [
        '--set',
        'rank.resource=macs',
        '--set',
        'polish.sparsities=[0.5]',
        '--set',
        'polish.steps=3',
      ];
      const run = await place.run([...config, ...set]);
      succeeded(run);
      // The library's manifest quotes the config; it and the polishing may end in either order.
      assert.deepEqual(finished(run.events).sort(), ['export/library', 'polish/uniform-50', 'report/test']);
      const report = readFileSync(join(place.folder, 'runs', 'small', 'report', 'test', 'report.md'), 'utf8');
      assert.match(report, /Polished: .*\n[^]*\| 50 % \|.*\| 3 \|/);
    });

    if (engine === engines[0]) {
      it('fits and trains on inputs of the teacher alone, all tokens alike, a job for each width', async () => {
        const set = ['inputs.from=teacher', 'statistics.tokenWeights=uniform', 'descendants.shards=2'];
        const settings = [...set, 'distill.duration.steps=4'].flatMap((setting) => ['--set', setting]);
        const run = await place.run([...config, ...settings]);
        succeeded(run);
        assert.ok(finished(run.events).includes('distill/shard-1'));
        const { manifest } = await openLibrary(library(), { check: 'hashes' });
        assert.equal(manifest.uniform.length, 2);
      });
    }
  });
}

describe('interruptions', () => {
  let place: Workplace;
  before(() => {
    place = workplace();
    // Steps enough for a signal to arrive between the first and the last.
    const small = smallConfig().replace('steps: 20', 'steps: 200').replace('[0.5, 0.75]', '[0.9]');
    place.write('small.yaml', small);
  });
  after(() => place.remove());

  it('resumes a run stopped by Ctrl-C in the middle of distillation to the same library', async () => {
    const config = ['--config', 'small.yaml'];
    const folder = join(place.folder, 'runs', 'small');
    const library = join(folder, 'library');
    succeeded(await place.run(config));
    const whole = hashes(library);
    assertTrained(folder);

    let sent = false;
    const again = [...config, '--from', 'distill'];
    const stopped = await place.run(again, (event, kill) => {
      if (sent || event.type !== 'job-progress' || event.job !== 'distill/shard-0') return;
      if (!event.note?.startsWith('step ')) return;
      sent = true;
      kill('SIGINT');
    });
    assert.equal(stopped.code, 130);
    assert.ok(stopped.events.some(({ type }) => type === 'job-interrupted'));

    const resumed = await place.run(config);
    succeeded(resumed);
    assert.ok(
      resumed.events.some(
        (event) => event.type === 'job-started' && event.job.startsWith('distill/') && event.resumed,
      ),
      'a distillation went on from its checkpoint',
    );
    assert.deepEqual(hashes(library), whole);
  });

  it('tells a second run on the same folder who holds it', async () => {
    let second: Promise<{ code: number | null; stderr: string }> | undefined;
    const first = await place.run(['--config', 'small.yaml', '--from', 'measure'], (event) => {
      if (event.type === 'job-started') second ??= place.blockforge('--config', 'small.yaml');
    });
    succeeded(first);
    const refused = await present(second);
    assert.equal(refused.code, 6);
    assert.match(refused.stderr, /process \d+|pid \d+/i);
  });
});

describe('what a run leaves behind', () => {
  it('is explained in the library’s README', async () => {
    const place = workplace();
    place.write('small.yaml', smallConfig('').replace('steps: 20', 'steps: 1'));
    succeeded(await place.run(['--config', 'small.yaml']));
    const folder = join(place.folder, 'runs', 'small');
    assert.match(readFileSync(join(folder, 'library', 'README.md'), 'utf8'), /fc2\(GELU\(fc1/);
    const report = readFileSync(join(folder, 'report', 'test', 'report.md'), 'utf8');
    assert.match(report, /Test split, 100 images/);
    assert.match(report, /What distillation gained per minute[^]*\n\| 192 \|( \d+\.\d % \|){5}\n\| 96 \|/);
    place.remove();
  });
});
