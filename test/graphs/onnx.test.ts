import assert from 'node:assert/strict';
import { join } from 'node:path';
import { checkOnnx, onnxTolerance } from '../../pipeline/library/check-graphs.ts';
import { runOnnx } from '../../pipeline/graphs/onnx-runtime.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { largestDifference } from '../../pipeline/library/reference-ffn.ts';
import { toTorchFfn } from '../../pipeline/library/weights.ts';
import { writeLibrary } from '../../pipeline/library/write.ts';
import { openSafetensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { libraryInput, temporaryFolder } from '../library/fixture.ts';
import { assertClose, expectedLogits, kinds, randomImages, runtimeOrSkip } from './support.ts';
import { present } from '../support/present.ts';

/** A different width in every block. */
const mixed = ['block-00/w0005', 'block-01/w0010'];

describeOnEachEngine('library/forms onnx', () => {
  for (const { title, architecture } of kinds) {
    describe(title, () => {
      let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
      let library: Library;
      before(async () => {
        scratch = await temporaryFolder();
        await writeLibrary(join(scratch.path, 'library'), libraryInput(architecture));
        library = await openLibrary(join(scratch.path, 'library'), { check: 'hashes' });
      });
      after(() => scratch.remove());

      it('computes what the pipeline computes, in one graph and in the frame fed with weights', async function () {
        const runtime = await runtimeOrSkip(this);
        const model = join(scratch.path, 'model');
        await writeModel(library, mixed, model);
        for (const batch of [1, 3]) {
          const { planes, pixels } = randomImages(library, batch);
          const expected = await expectedLogits(library, mixed, pixels);
          const whole = await runOnnx(runtime, join(model, 'model.onnx'), { images: planes });
          assertClose(whole, expected, 1e-4);
          const weights = await Promise.all(
            mixed.map(async (id, block) => toTorchFfn(await library.readFfn(id), block)),
          );
          const inputs = Object.assign({ images: planes }, ...weights) as Record<string, typeof planes>;
          const frame = library.pathOf(present(library.manifest.onnx).frame);
          assertClose(await runOnnx(runtime, frame, inputs), whole, 1e-4);
        }
      });

      it('gives the self-test outputs in every descendant’s graph', async function () {
        const runtime = await runtimeOrSkip(this);
        const file = await openSafetensors(library.pathOf(library.manifest.selfTest.file));
        const tokens = { shape: file.info('input').shape, data: await file.read('input') };
        const descendants = library.manifest.blocks.flatMap((block) => block.descendants);
        assert.equal(descendants.length, 6);
        for (const { id, onnx } of descendants) {
          const found = await runOnnx(runtime, library.pathOf(present(onnx)), { tokens });
          assert.ok(largestDifference(found, await file.read(id)) <= 1e-6, id);
        }
        await file.close();
      });

      it('passes its own gate', async function () {
        await runtimeOrSkip(this);
        const { largestDifference: worst, note } = await checkOnnx(library);
        assert.ok(present(worst) < onnxTolerance / 10, `${worst}`);
        assert.match(note, /agree/);
      });
    });
  }

  it('stops at a graph that computes something else', async function () {
    await runtimeOrSkip(this);
    const scratch = await temporaryFolder();
    try {
      await writeLibrary(scratch.path, libraryInput());
      const path = join(scratch.path, 'self-test.safetensors');
      const file = await openSafetensors(path);
      const entries = await Promise.all(
        file.names.map(
          async (name) => [name, { shape: file.info(name).shape, data: await file.read(name) }] as const,
        ),
      );
      await file.close();
      const vectors = Object.fromEntries(entries);
      vectors['block-01/w0010']!.data[3]! += 0.1;
      await writeSafetensors(path, vectors);
      const library = await openLibrary(scratch.path, { check: 'none' });
      await assert.rejects(checkOnnx(library), /graph of block-01\/w0010: ONNX Runtime's outputs differ by/);
    } finally {
      await scratch.remove();
    }
  });

  it('writes none where none was asked for, and then has nothing to check', async () => {
    const scratch = await temporaryFolder();
    try {
      await writeLibrary(scratch.path, { ...libraryInput(), forms: [] });
      const library = await openLibrary(scratch.path, { check: 'hashes' });
      assert.equal(library.manifest.onnx, undefined);
      assert.equal(library.manifest.blocks[0]!.descendants[1]!.onnx, undefined);
      assert.deepEqual(await checkOnnx(library), {
        largestDifference: null,
        note: 'the library has no ONNX graphs',
      });
    } finally {
      await scratch.remove();
    }
  });
});
