import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { openSource } from '../../datasets/open.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { makeSplits } from '../../datasets/splits.ts';
import { measureComposition } from '../../pipeline/compose/make-model.ts';
import { openModel } from '../../pipeline/compose/open-model.ts';
import { refitComposition } from '../../pipeline/compose/refit-composition.ts';
import { openRefitImages } from '../../pipeline/compose/refit-images.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { configSchema } from '../../pipeline/config/schema.ts';
import type { MeasureSource } from '../../pipeline/library/images.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { writeLibrary } from '../../pipeline/library/write.ts';
import { sourceOfConfig } from '../../pipeline/stages/run-records.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { libraryOfModel, verifyMeasuredModel } from '../../pipeline/verify/measured-model.ts';
import { verifyModel } from '../../pipeline/verify/model.ts';
import { libraryInput, temporaryFolder } from '../library/fixture.ts';
import { strongWeights } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const config = configSchema.parse({
  seed: 5,
  teacher: { checkpoint: 'none' },
  data: {
    source: 'shapes',
    shapes: { images: 400, size: 8 },
    splits: { calibration: 120, selection: { images: 60, from: 'train', unseen: true }, test: 20 },
  },
  measure: { batchSize: 32 },
});
const mixed = ['block-00/w0010', 'block-01/w0020'];

describe('compose/refit-composition', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let library: Library;
  let source: MeasureSource;
  let tensors: number;
  let cache: string | undefined;

  /** A library of random blocks, which do not belong to each other, with the hashes of real images. */
  before(async () => {
    await loadEngine('wasm');
    folder = await temporaryFolder();
    cache = process.env.BLOCKFORGE_CACHE;
    process.env.BLOCKFORGE_CACHE = join(folder.path, 'cache');
    const input = libraryInput();
    const preparer = createPreparer(await openSource(config.data, config), input.teacher.preprocessing);
    const splits = await makeSplits(preparer.source, config.data, { seed: 5, needTrain: true, preparer });
    const architecture = { ...input.teacher.architecture, classes: 10 };
    const frame = Object.entries(strongWeights(architecture)).filter(([name]) => !name.includes('.mlp.'));
    const of = (name: 'calibration' | 'selection' | 'test') => ({
      images: splits.items[name].length,
      sha256: splits.hashes[name],
    });
    const path = join(folder.path, 'library');
    await writeLibrary(path, {
      ...input,
      teacher: { ...input.teacher, architecture },
      data: { calibration: of('calibration'), selection: of('selection'), test: of('test') },
      frame: () => Promise.resolve(Object.fromEntries(frame)),
    });
    library = await openLibrary(path);
    source = sourceOfConfig(config, 'small.yaml');
  });
  after(async () => {
    if (cache === undefined) delete process.env.BLOCKFORGE_CACHE;
    else process.env.BLOCKFORGE_CACHE = cache;
    await folder.remove();
  });
  beforeEach(async () => {
    await loadEngine('wasm');
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, 'tensors left behind'));

  it('fits narrowed blocks again, and the model that is written, verified and measured is that one', async () => {
    const images = await openRefitImages(library, { source });
    assert.deepEqual(
      [images.record.from, images.record.training, images.record.heldOut],
      ['calibration', 108, 12],
    );
    const before = await sha256File(join(library.folder, 'blocks/block-00/w0010.safetensors'));
    const fractions: number[] = [];
    const refitted = present(
      await refitComposition(library, mixed, images, {
        engine: 'wasm',
        onProgress: ({ fraction }) => fractions.push(fraction),
      }),
    );
    assert.ok(fractions.every((value, i) => value >= (fractions[i - 1] ?? 0) && value <= 1));
    // fc2 alone, of the block alone that is not the teacher's own.
    assert.deepEqual(refitted.record.descendants, ['block-00/w0010']);
    assert.deepEqual([...refitted.weights.keys()], ['block-00/w0010']);
    const [own, was] = [present(refitted.weights.get(mixed[0]!)), await library.readFfn(mixed[0]!)];
    assert.deepEqual([own.fc1Kernel, own.fc1Bias], [was.fc1Kernel, was.fc1Bias]);
    assert.notDeepEqual(own.fc2Kernel, was.fc2Kernel);
    assert.ok(refitted.record.after.kl < refitted.record.before.kl);

    const composition = {
      descendants: mixed,
      predictedDropPp: 1,
      params: 1,
      macs: 1,
      sizeBytes: 1,
      latencyMs: 1,
    };
    const [unfitted, measured] = [
      await measureComposition(library, source, composition, { engine: 'wasm' }),
      await measureComposition(library, source, composition, { engine: 'wasm', refitted }),
    ];
    assert.ok(measured.kl < unfitted.kl);
    const path = join(library.folder, 'models', 'refit');
    const manifest = await writeModel(library, mixed, path, { refitted, measured });
    const plain = await writeModel(library, mixed, join(library.folder, 'models', 'plain'));
    assert.equal(manifest.sizeBytes, plain.sizeBytes);
    assert.deepEqual((await verifyModel(join(path, 'composition.json'))).findings, []);
    const model = await openModel(path);
    assert.deepEqual(await model.readFfn(0), own);
    assert.deepEqual(model.manifest.refitted, refitted.record);
    const again = await verifyMeasuredModel(model, await libraryOfModel(model), source);
    assert.deepEqual(
      again.numbers.map(({ verdict }) => verdict),
      ['same', 'same', 'same', 'same', 'same'],
    );
    assert.equal(await sha256File(join(library.folder, 'blocks/block-00/w0010.safetensors')), before);
  });

  it('keeps the weights of the library where they are nearer to the teacher', async () => {
    const images = await openRefitImages(library, { source });
    const first = present(await refitComposition(library, mixed, images, { engine: 'wasm' }));
    // As good as the fit can make it already, and judged by the images that it was fitted to.
    const fitted: Library = {
      ...library,
      readFfn: async (id) => first.weights.get(id) ?? (await library.readFfn(id)),
    };
    const few = { ...images, training: images.training.slice(0, 4), heldOut: images.training };
    const refitted = present(await refitComposition(fitted, mixed, few, { engine: 'wasm' }));
    assert.ok(refitted.record.after.kl >= refitted.record.before.kl);
    assert.deepEqual([refitted.record.descendants, refitted.weights.size], [[], 0]);
    const whole = ['block-00/w0020', 'block-01/w0020'];
    assert.equal(await refitComposition(library, whole, images, { engine: 'wasm' }), undefined);
  });

  it('takes the images of a folder, of which there must be some', async () => {
    const photos = join(folder.path, 'photos');
    await mkdir(join(photos, 'more'), { recursive: true });
    const save = async (name: string, image: number) =>
      sharp(
        Uint8Array.from({ length: 108 }, (_, i) => (image * 37 + i * (image + 3)) % 256),
        {
          raw: { width: 6, height: 6, channels: 3 },
        },
      )
        .png()
        .toFile(join(photos, name));
    for (let image = 0; image < 12; image++) await save(`${image}.png`, image);
    await assert.rejects(openRefitImages(library, { folder: photos }), /12 images\n.*20 or more/);
    for (let image = 12; image < 24; image++) await save(`more/${image}.png`, image);
    await save('copy.png', 3);
    await writeFile(join(photos, 'broken.png'), 'no image');
    const warnings: string[] = [];
    const images = await openRefitImages(
      library,
      { folder: photos },
      { warn: (message) => warnings.push(message) },
    );
    assert.deepEqual([images.record.from, images.record.training, images.record.heldOut], ['folder', 22, 2]);
    assert.equal(warnings.length, 2, 'a copy and a file that is none');
    await assert.rejects(openRefitImages(library, { folder: join(photos, 'none') }), /no such folder/);
  });
});
