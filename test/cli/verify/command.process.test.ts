import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseLine } from '../parse.ts';
import { renderMeasured, renderVerification } from '../../../pipeline/cli/verify/render.ts';
import { colours, plain } from '../../../pipeline/terminal/terminal.ts';
import type { MeasuredVerification } from '../../../pipeline/verify/numbers.ts';
import { writeModel, type WriteModelOptions } from '../../../pipeline/compose/write-model.ts';
import { openLibrary } from '../../../pipeline/library/open.ts';
import type { ModelVerification } from '../../../pipeline/verify/model.ts';
import { verifyLibrary, type Verification } from '../../../pipeline/verify/library.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { flipBit, patients, type Patients } from '../../library/damage.ts';
import { writtenDeployment } from '../../deployment/fixture.ts';
import { program } from '../../support/program.ts';

/** Turns the exit code into 99 where TensorFlow.js was loaded. */
const watch = "data:text/javascript,process.on('exit',()=>{if('_tfengine'in globalThis)process.exitCode=99})";

describe('cli/verify', function () {
  this.timeout(60_000);
  let library: Patients;
  before(async () => (library = await patients()));
  after(() => library.remove());

  const blockforge = (...args: string[]) => {
    const watched = args.includes('--measure') ? [] : ['--import', watch];
    return spawnSync(process.execPath, [...watched, ...program, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: library.path },
    });
  };

  const refusal = (line: string) => {
    try {
      parseLine(line);
    } catch (error) {
      assert.ok(error instanceof BlockForgeError, String(error));
      return error.failure;
    }
    return assert.fail(`${line} was accepted`);
  };

  it('is asked for with a library, and with what to measure', () => {
    const bare = {
      name: 'verify',
      library: 'runs/x',
      measure: false,
      split: 'selection',
      engine: 'auto',
      json: false,
    };
    assert.deepEqual(parseLine('verify runs/x'), bare);
    assert.deepEqual(parseLine('verify runs/x --measure -c a.yaml --split test --engine wasm --json'), {
      ...bare,
      measure: true,
      config: 'a.yaml',
      split: 'test',
      engine: 'wasm',
      json: true,
    });
    assert.match(refusal('verify').found, /no library named/);
    assert.deepEqual(
      [refusal('verify x --config a.yaml').subject, refusal('verify x --split test').subject],
      ['--config', '--split'],
    );
    const split = refusal('verify x --measure --split selektion');
    assert.deepEqual([split.found, split.next], ['no such split', 'did you mean "selection"?']);
    assert.equal(refusal('verify x --measure --engine cuda').found, 'no such engine');
    const { text } = parseLine('verify --help') as { text: string };
    for (const part of [
      '--measure',
      'model folder',
      'composition.json',
      'Examples:',
      'verify runs/demo --measure',
      'Exit codes: 0 whole',
    ]) {
      assert.ok(text.includes(part), part);
    }
  });

  it('ends with 0 for a whole library, without an engine, and says what it looked at', () => {
    const { status, stdout, stderr } = blockforge('verify', library.path);
    assert.equal(stderr, '');
    assert.equal(status, 0, '99 says that TensorFlow.js was loaded');
    assert.match(stdout, /ok {2}manifest: schema and references +1 of 1/);
    assert.match(stdout, /ok {2}self-test: recorded outputs met +6 of 6/);
    assert.match(stdout, /\n\nThe library is whole\.\n$/);
  });

  it('ends with 3 for a damaged one, and names file and damage, for people and for programs', async () => {
    const path = await library.copy();
    await flipBit(join(path, 'blocks/block-01/w0005.safetensors'), -3);
    const text = blockforge('verify', path);
    assert.equal(text.status, 3);
    assert.match(text.stdout, /BAD hashes: SHA-256 of every file +\d+ of \d+: 1 wrong/);
    assert.match(text.stdout, /- {3}self-test: .* 5 of 6: 1 not looked at/);
    assert.match(
      text.stdout,
      /\nblocks\/block-01\/w0005.safetensors: its content has changed\n {2}expected: sha256 /,
    );
    assert.match(text.stdout, /The library is damaged: 1 finding\.\nnext: copy the library again/);
    const json = blockforge('verify', path, '--json', '--measure');
    assert.equal(json.status, 3, 'the numbers of damaged weights are not measured');
    const report = JSON.parse(json.stdout) as Verification & { ok: boolean };
    assert.equal(report.ok, false);
    assert.deepEqual(
      report.findings.map(({ file, check }) => [file, check]),
      [['blocks/block-01/w0005.safetensors', 'hashes']],
    );
  });

  it('takes a model folder, without an engine, and says whose damage it is', async () => {
    const path = await library.copy();
    const model = join(path, 'models', 'small');
    await writeModel(await openLibrary(path), ['block-00/w0005', 'block-01/w0010'], model, {
      link: () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EXDEV' })),
    });
    const whole = blockforge('verify', model);
    assert.equal(whole.stderr, '');
    assert.equal(whole.status, 0, '99 says that TensorFlow.js was loaded');
    assert.match(whole.stdout, /^Model .*: 2 blocks, .* parameters, .*; made by BlockForge/);
    assert.match(whole.stdout, /ok {2}graphs: these weights from these files, nothing else +3 of 3/);
    assert.match(whole.stdout, /\nThe model is whole\.\n$/);

    await flipBit(join(model, 'model.onnx'), -3);
    const json = blockforge('verify', join(model, 'composition.json'), '--json');
    assert.equal(json.status, 3);
    const report = JSON.parse(json.stdout) as ModelVerification & { ok: boolean };
    assert.deepEqual([report.ok, report.kind, report.findings[0]!.file], [false, 'model', 'model.onnx']);
    const text = blockforge('verify', path);
    assert.equal(text.status, 3);
    assert.match(text.stdout, /BAD models: each whole, and of this very library +0 of 1: 1 wrong/);
    assert.match(text.stdout, /\nmodels\/small\/model.onnx: its content has changed\n/);
    assert.match(text.stdout, /next: compose these models again, or delete their folders\n$/);
  });

  it('takes a deployment or one of its packages, and refuses to measure one', async () => {
    const { path, remove } = await writtenDeployment();
    try {
      const run = (...args: string[]) =>
        spawnSync(process.execPath, [...program, ...args], {
          encoding: 'utf8',
          env: { PATH: process.env.PATH, HOME: library.path },
        });
      const whole = run('verify', path);
      assert.equal(whole.status, 0, whole.stderr + whole.stdout);
      assert.match(whole.stdout, /^Deployment .*: 2 devices, .* parameters, .*; made by BlockForge/);
      assert.match(whole.stdout, /ok {2}links: packages are those of this deployment, and agree +3 of 3/);
      assert.match(whole.stdout, /\nThe deployment is whole\.\n$/);
      await flipBit(join(path, 'coordinator', 'fusion.safetensors'), -3);
      const json = run('verify', join(path, 'coordinator'), '--json');
      assert.equal(json.status, 3, json.stderr);
      const report = JSON.parse(json.stdout) as { ok: boolean; kind: string; findings: { file: string }[] };
      assert.deepEqual([report.ok, report.kind, report.findings[0]?.file], [false, 'coordinator', 'fusion.safetensors']); // prettier-ignore
      const measured = run('verify', path, '--measure');
      assert.equal(measured.status, 2);
      assert.match(measured.stderr, /--measure: given with a deployment/);
      const shown = run('show', path);
      assert.equal(shown.status, 0, shown.stderr);
      assert.match(shown.stdout, /pi-kitchen +submodel-00, submodel-02/);
    } finally {
      await remove();
    }
  });

  it('says what it takes to measure a model again', async () => {
    const path = await library.copy();
    const write = async (folder: string, options?: WriteModelOptions) =>
      writeModel(await openLibrary(path), ['block-00/w0005', 'block-01/w0010'], folder, options);
    const interval = { mean: 1, low: 0, high: 2 };
    await write(join(path, '..', 'alone'), {
      measured: {
        split: 'selection',
        images: 9,
        top1Percent: interval,
        top1DeltaPp: interval,
        kl: 0,
        agreementPercent: 9,
      },
    });
    const alone = blockforge('verify', join(path, '..', 'alone'), '--measure', '--config', 'none.yaml');
    assert.equal(alone.status, 2);
    assert.match(
      alone.stderr,
      /not in the library that it was made from.*\n {2}expected: LIBRARY\/models\/NAME/,
    );
    await write(join(path, 'models', 'unmeasured'));
    const unmeasured = blockforge('verify', join(path, 'models', 'unmeasured'), '--measure');
    assert.equal(unmeasured.status, 2);
    assert.match(unmeasured.stderr, /no "measured" in it: the model was written without being measured/);
  });

  it('says where it cannot know the images', () => {
    const { status, stderr } = blockforge('verify', library.path, '--measure');
    assert.equal(status, 2);
    assert.match(
      stderr,
      /not in the run folder that made it.*\n.*\n {2}next: --config FILE, the config that made the library/,
    );
  });

  it('lets nothing from a library move the cursor', async () => {
    const path = await library.copy((manifest) => void (manifest.frame.path = '\u001b[2J\u0007x'));
    const hostile = renderVerification(await verifyLibrary(path), plain);
    assert.match(hostile, /manifest.json: frame.path/);
    const named = await library.copy((manifest) => void (manifest.tool.version = '\u001b[31m1'));
    const text = renderVerification(await verifyLibrary(named), plain);
    assert.match(text, /made by BlockForge \\u001b\[31m1/);
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    assert.doesNotMatch(hostile + text, /[\u0000-\u0009\u000b-\u001f]/);
  });

  it('shows each number with its interval and whether it holds', () => {
    const number = {
      model: 'uniform 0.5',
      recorded: 70,
      interval: { mean: 70, low: 67.1, high: 72.8 },
    } as const;
    const measured: MeasuredVerification = {
      engine: 'wasm 1 on 1 CPU thread',
      recordedEngine: 'TensorFlow 2 on gpu',
      split: 'selection',
      images: 1000,
      numbers: [
        { ...number, what: 'top-1 %', found: 70.1, verdict: 'holds' },
        {
          ...number,
          what: 'KL',
          recorded: 0.012,
          interval: { mean: 0.012, low: 0.01, high: 0.014 },
          found: 0.012,
          verdict: 'same',
        },
      ],
      notes: ['uniform 0.5, refit: gone'],
    };
    assert.equal(
      renderMeasured(measured, plain),
      [
        'Measured again on 1,000 images (selection) with wasm 1 on 1 CPU thread; recorded on the selection split with TensorFlow 2 on gpu',
        '',
        'model        number   recorded  interval        found',
        '-----------  -------  --------  --------------  -----  -----',
        'uniform 0.5  top-1 %     70.00  [67.10, 72.80]  70.10  holds',
        'uniform 0.5  KL          0.012  [0.01, 0.014]   0.012  same',
        '',
        'not measured again: uniform 0.5, refit: gone',
        '',
        'All 2 numbers hold: 1 the same, 1 within their intervals.',
      ].join('\n'),
    );
    const first = measured.numbers[0]!;
    const second = measured.numbers[1]!;
    const wrong = renderMeasured(
      { ...measured, numbers: [{ ...first, verdict: 'differs' }, second] },
      colours(),
    );
    assert.ok(wrong.includes('\x1b[31muniform 0.5  top-1 %'), wrong);
    assert.match(wrong, /1 of 2 numbers do not hold\./);
  });
});
