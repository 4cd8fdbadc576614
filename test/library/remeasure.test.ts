import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openBatches } from '../../datasets/batches.ts';
import { splitNames, type Splits } from '../../datasets/contract.ts';
import { openSource } from '../../datasets/open.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { makeSplits } from '../../datasets/splits.ts';
import { configSchema } from '../../pipeline/config/schema.ts';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { openModel } from '../../pipeline/compose/open-model.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { uploadLibrary } from '../../pipeline/library/upload.ts';
import { openMeasuredSplit, type MeasureSource } from '../../pipeline/library/images.ts';
import { sourceOfConfig, sourceOfRun } from '../../pipeline/stages/run-records.ts';
import { remeasure } from '../../pipeline/library/remeasure.ts';
import { libraryOfModel, verifyMeasuredModel } from '../../pipeline/verify/measured-model.ts';
import { verifyMeasured } from '../../pipeline/verify/numbers.ts';
import { writeLibrary } from '../../pipeline/library/write.ts';
import { countCorrect } from '../../pipeline/measure/accuracy.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { strongWeights } from '../support/checkpoints.ts';
import { libraryInput, temporaryFolder } from './fixture.ts';
import { present } from '../support/present.ts';

const config = configSchema.parse({
  seed: 5,
  teacher: { checkpoint: 'none' },
  data: {
    source: 'shapes',
    shapes: { images: 300, size: 8 },
    splits: { calibration: 40, selection: { images: 90, from: 'train', unseen: true }, test: 50 },
  },
  measure: { batchSize: 32 },
});

const refusal = (reason: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BlockForgeError, String(error));
  assert.equal(error.failure.reason, reason);
  assert.match(error.message, words);
  return true;
};

describe('library/remeasure', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let run: string;
  let splits: Splits;
  let library: Library;
  let source: MeasureSource;
  let tensors: number;

  /** `run/library` of random weights, with the hashes of real images. */
  before(async () => {
    await loadEngine('wasm');
    folder = await temporaryFolder();
    run = join(folder.path, 'run');
    const input = libraryInput();
    const { preprocessing } = input.teacher;
    const preparer = createPreparer(await openSource(config.data, config), preprocessing);
    splits = await makeSplits(preparer.source, config.data, { seed: 5, needTrain: true, preparer });
    const architecture = { ...input.teacher.architecture, classes: 10 };
    const frame = Object.entries(strongWeights(architecture)).filter(([name]) => !name.includes('.mlp.'));
    const of = (name: 'calibration' | 'selection' | 'test') => ({
      images: splits.items[name].length,
      sha256: splits.hashes[name],
    });
    await writeLibrary(join(run, 'library'), {
      ...input,
      teacher: { ...input.teacher, architecture },
      data: { calibration: of('calibration'), selection: of('selection'), test: of('test') },
      frame: () => Promise.resolve(Object.fromEntries(frame)),
    });
    library = await openLibrary(run);
    source = sourceOfConfig(config, 'small.yaml');
  });
  after(() => folder.remove());
  beforeEach(async () => {
    await loadEngine('wasm');
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, 'tensors left behind'));

  const mixed = ['block-00/w0005', 'block-01/w0010'];
  const teacherIds = ['block-00/w0020', 'block-01/w0020'];

  it('measures compositions from the files of the library as whole forward passes do', async () => {
    const fractions: number[] = [];
    const found = await remeasure(library, source, [mixed, teacherIds, mixed], {
      engine: 'wasm',
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    assert.equal(found.images, 90);
    assert.equal(found.engine.name, 'wasm');
    assert.ok(
      fractions.every((value, i) => value >= 0 && value <= 1 && (i === 0 || value >= fractions[i - 1]!)),
    );

    const preparer = createPreparer(
      await openSource(config.data, config),
      library.manifest.teacher.preprocessing,
    );
    const images = openBatches(splits.items.selection, preparer);
    const uploaded = await uploadLibrary(library, mixed);
    const count = async (ids?: readonly string[]) =>
      countCorrect(
        uploaded.teacher,
        images.tensorBatches(images.items, 90),
        ids && { ffn: (block) => uploaded.ffn(ids[block]!) },
      );
    const expected = [await count(), await count(mixed)];
    uploaded.dispose();
    assert.notEqual(expected[0], expected[1], 'the models differ on these images');
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);
    near(found.teacher.measured.top1Percent.mean, (100 * expected[0]!) / 90);
    near(found.models[0]!.measured.top1Percent.mean, (100 * expected[1]!) / 90);
    near(found.models[0]!.measured.top1DeltaPp.mean, (100 * (expected[1]! - expected[0]!)) / 90);
    assert.ok(found.models[0]!.measured.kl > 0 && found.models[0]!.measured.agreementPercent < 100);
    assert.ok(present(found.models[0]!.measured.top5Percent) > found.models[0]!.measured.top1Percent.mean);

    // The teacher's own blocks are the teacher, from files of their own.
    const { kl, agreementPercent, top1DeltaPp } = found.models[1]!.measured;
    assert.ok(kl < 1e-9, String(kl));
    assert.deepEqual([agreementPercent, top1DeltaPp.mean], [100, 0]);
    assert.deepEqual(found.models[2], found.models[0]);
    assert.deepEqual(
      found.models.map(({ descendants }) => descendants),
      [mixed, teacherIds, mixed],
    );
  });

  it('takes the test split too, without drawing what comes after it', async () => {
    const found = await remeasure(library, source, [], { engine: 'wasm', split: 'test' });
    assert.deepEqual([found.images, found.models.length, found.teacher.scores.correct.length], [50, 0, 50]);
  });

  it('finds the images of a library whose test was drawn first, by their hash', async () => {
    const from = (images: number) => ({ images, from: 'train' as const });
    const data = { ...config.data, splits: { calibration: 40, selection: from(90), test: from(50) } };
    const preparer = createPreparer(await openSource(data, config), library.manifest.teacher.preprocessing);
    const options = { seed: 5, needTrain: false, preparer };
    const before = await makeSplits(preparer.source, data, { ...options, testFirst: true });
    const now = await makeSplits(preparer.source, data, options);
    assert.notEqual(before.hashes.calibration, now.hashes.calibration);
    for (const { items, hashes } of [before, now]) {
      const of = (name: 'calibration' | 'selection' | 'test') => ({
        images: items[name].length,
        sha256: hashes[name],
        from: 'train' as const,
      });
      const recorded = { calibration: of('calibration'), selection: of('selection'), test: of('test') };
      const older: Library = Object.assign(Object.create(library) as Library, {
        manifest: { ...library.manifest, data: recorded },
      });
      for (const split of ['calibration', 'selection', 'test'] as const) {
        const opened = await openMeasuredSplit(older, { ...source, data }, split);
        assert.deepEqual(opened.items, items[split]);
      }
    }
  });

  it('refuses other images, and what is no composition', async () => {
    const other = { ...source, seed: 6 };
    await assert.rejects(
      remeasure(library, other, [mixed], { engine: 'wasm' }),
      refusal(
        'data-invalid',
        /small.yaml: split selection: 90 images with hash .*\n {2}expected: 90 images with hash/,
      ),
    );
    for (const ids of [['block-00/w0005'], ['block-01/w0005', 'block-00/w0005'], [...mixed, mixed[0]!], []]) {
      await assert.rejects(
        remeasure(library, source, [ids]),
        refusal('library-invalid', /one descendant of each of its 2/),
      );
    }
    await assert.rejects(
      remeasure(library, source, [['block-00/w0005', 'block-01/w0001']]),
      refusal('library-invalid', /no descendant "block-01\/w0001"/),
    );
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await assert.rejects(
      remeasure(library, source, [mixed], { engine: 'wasm', signal: stop.signal }),
      /enough/,
    );
  });

  it('finds the data of the run that the library lies in, by records that belong to it', async () => {
    assert.equal(await sourceOfRun(library), undefined);
    const record = (manifest: string) => ({
      madeFrom: { settings: { config, name: 'run' } },
      outputs: [{ path: 'manifest.json', sizeBytes: 1, sha256: manifest }],
    });
    const save = async (path: string, value: unknown) => {
      await mkdir(dirname(join(run, path)), { recursive: true });
      await writeFile(join(run, path), JSON.stringify(value));
    };
    const own = await sha256File(join(run, 'library', 'manifest.json'));
    await save('export/library/done.json', record(own));
    assert.equal(await sourceOfRun(library), undefined, 'no splits yet');
    for (const name of splitNames) await save(`data/splits/${name}.json`, { items: splits.items[name] });
    const found = present(await sourceOfRun(library));
    assert.deepEqual([found.origin, found.seed, found.batchSize], [run, 5, 32]);
    const [inRun, anew] = [
      await remeasure(library, found, [mixed], { engine: 'wasm' }),
      await remeasure(library, source, [mixed], { engine: 'wasm' }),
    ];
    assert.deepEqual(inRun.models, anew.models);

    // Splits that were changed are not the ones that the manifest names.
    const items = splits.items.selection.map((item, index) =>
      index === 3 ? { ...item, label: (item.label + 1) % 10 } : item,
    );
    await save('data/splits/selection.json', { items });
    await assert.rejects(
      remeasure(library, present(await sourceOfRun(library)), [mixed], { engine: 'wasm' }),
      refusal('data-invalid', /run: split selection/),
    );
    await save('export/library/done.json', record('0'.repeat(64)));
    assert.equal(await sourceOfRun(library), undefined, 'the run has made another library since');
  });

  it('says which recorded numbers hold', async () => {
    const { manifest } = library;
    const recorded = [...manifest.uniform, ...present(manifest.allocated)].map(
      ({ descendants }) => descendants,
    );
    const measured = await remeasure(library, source, recorded, { engine: 'wasm' });
    const path = join(run, 'library', 'manifest.json');
    const rewrite = async (change: (changed: Manifest) => void): Promise<Library> => {
      const changed = JSON.parse(await readFile(path, 'utf8')) as Manifest;
      const found = structuredClone(measured);
      changed.teacher.accuracy = {
        images: 90,
        top1Percent: found.teacher.measured.top1Percent,
        top5Percent: found.teacher.measured.top5Percent,
      };
      changed.uniform.forEach((item, i) => (item.distilled = found.models[i]!.measured));
      changed.contexts = [{ name: 'sparsest', width: 5, ...found.models[1]!.measured }];
      const allocated = present(changed.allocated)[0]!;
      allocated.scores = found.models[2]!.measured;
      const difference =
        found.models[2]!.measured.top1Percent.mean - found.models[0]!.measured.top1Percent.mean;
      allocated.versusUniformPp = { mean: difference, low: difference - 3, high: difference + 3 };
      change(changed);
      await writeFile(join(run, 'library', 'other.json'), JSON.stringify(changed));
      return openLibrary(join(run, 'library', 'other.json'));
    };
    const all = await verifyMeasured(await rewrite(() => {}), source, { engine: 'wasm' });
    assert.deepEqual(
      all.numbers.filter(({ verdict }) => verdict !== 'same'),
      [],
    );
    const names = [...new Set(all.numbers.map(({ model }) => model))];
    assert.deepEqual(names, ['teacher', 'context sparsest', 'uniform 0.5', 'uniform 0.75', 'allocated 0.5']);
    assert.equal(all.numbers.length, 2 + 4 * 5 + 1);
    assert.equal(all.notes.length, 2, 'refitted weights are not in the library');

    const wrong = await rewrite((changed) => {
      const scores = present(changed.uniform[0]!.distilled);
      const { mean, low, high } = scores.top1Percent;
      scores.top1Percent = { mean: mean + 2, low: low + 2, high: high + 2 };
      scores.kl *= 3;
      present(changed.allocated)[0]!.versusUniformPp = { mean: 40, low: 35, high: 45 };
      present(changed.allocated)[0]!.scores.agreementPercent = 0;
    });
    const { numbers } = await verifyMeasured(wrong, source, { engine: 'wasm' });
    assert.deepEqual(
      numbers.flatMap(({ model, what, verdict }) => (verdict === 'same' ? [] : [[model, what, verdict]])),
      [
        ['uniform 0.5', 'top-1 %', 'holds'],
        ['uniform 0.5', 'KL', 'differs'],
        ['allocated 0.5', 'agreement %', 'differs'],
        ['allocated 0.5', 'against uniform pp', 'differs'],
      ],
    );
    if (installedEngines().tensorflow === undefined) return;
    const elsewhere = await verifyMeasured(await rewrite(() => {}), source, { engine: 'tensorflow' });
    assert.deepEqual(
      elsewhere.numbers.filter(({ verdict }) => verdict === 'differs'),
      [],
    );
    assert.match(elsewhere.engine, /TensorFlow/);
    await loadEngine('wasm');
  });

  it('says of a model folder whether its recorded scores hold', async () => {
    const descendants = ['block-00/w0010', 'block-01/w0005'];
    const { models } = await remeasure(library, source, [descendants]);
    const { measured } = models[0]!;
    const write = async (name: string, top1: number) => {
      const model = join(library.folder, 'models', name);
      await writeModel(library, descendants, model, {
        measured: { split: 'selection', ...measured, top1Percent: { mean: top1, low: top1, high: top1 } },
      });
      return openModel(model);
    };
    const honest = await write('honest', measured.top1Percent.mean);
    const own = await libraryOfModel(honest);
    const holds = await verifyMeasuredModel(honest, own, source);
    assert.deepEqual(
      holds.numbers.map(({ model, what, verdict }) => [model, what, verdict]),
      ['top-1 %', 'top-5 %', 'delta pp', 'KL', 'agreement %'].map((what) => ['the model', what, 'same']),
    );
    const wrong = await verifyMeasuredModel(await write('wrong', 99.5), own, source);
    assert.deepEqual(
      wrong.numbers.filter(({ verdict }) => verdict !== 'same').map(({ what }) => what),
      ['top-1 %'],
    );
  });
});
