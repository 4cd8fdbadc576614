import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { copyFile, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uploadLibrary } from '../../pipeline/library/upload.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { openLibrary, startRuntime, type Library, type Runtime } from '../../pipeline/runtime/index.ts';
import type { RuntimeEngineName } from '../../pipeline/runtime/index.ts';
import { toPlanes } from '../../pipeline/runtime/to-planes.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { random } from '../../pipeline/util/random.ts';
import { libraryInput, writtenLibrary } from '../library/fixture.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';

const teacher = ['block-00/w0020', 'block-01/w0020'];
const mixed = ['block-00/w0005', 'block-01/w0010'];

/** [B, S, S, C] with C = 1, which is [B, C, S, S] too. */
function images(batch: number): Float32Array {
  const draw = random(11, 'images');
  return Float32Array.from({ length: batch * 64 }, () => draw.normal());
}

/** Logits of the pipeline's own forward pass over the library's files. */
async function expectedLogits(library: Library, descendants: readonly string[], batch: number) {
  const model = await uploadLibrary(library, descendants);
  const pixels = tf.tensor4d(images(batch), [batch, 8, 8, 1]);
  const { logits } = forward(model.teacher, pixels, { ffn: (index) => model.ffn(descendants[index]!) });
  const values = await logits.data<'float32'>();
  tf.dispose([pixels, logits]);
  model.dispose();
  return values;
}

function near(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  const worst = Math.max(...Array.from(found, (value, index) => Math.abs(value - expected[index]!)));
  assert.ok(worst < 1e-4, `largest difference ${worst}, expected below 1e-4`);
}

const allLogits = async (runtime: Runtime, batch: number): Promise<number[]> =>
  (await runtime.predict(images(batch))).flatMap(({ logits }) => [...logits]);

for (const engine of ['onnxruntime', 'tfjs'] satisfies RuntimeEngineName[]) {
  describe(`a runtime [${engine}]`, () => {
    let folder: { path: string; remove: () => Promise<void> } | undefined;
    let library: Library;
    let runtime: Runtime;
    let tensors = 0;

    before(async function () {
      if (engine === 'onnxruntime' && !(await hasOnnxRuntime())) this.skip();
      await loadEngine('wasm');
      folder = await writtenLibrary();
      library = await openLibrary(folder.path);
    });

    after(() => folder?.remove());

    beforeEach(async () => {
      tensors = tf.memory().numTensors;
      runtime = await startRuntime(library, { engine });
    });

    afterEach(async () => {
      await runtime.close();
      assert.equal(tf.memory().numTensors, tensors, 'tensors left behind');
    });

    it('begins as the teacher and predicts as the pipeline does, whatever the batch', async () => {
      assert.deepEqual(runtime.descendants, teacher);
      near(await allLogits(runtime, 1), await expectedLogits(library, teacher, 1));
      near(await allLogits(runtime, 3), await expectedLogits(library, teacher, 3));
    });

    it('exchanges only the blocks that change, and says what that moved', async () => {
      const bytes = (id: string) => library.descendant(id).file.sizeBytes;
      const whole = runtime.memoryBytes;
      const first = runtime.use(['block-00/w0005', 'block-01/w0020']);
      assert.deepEqual(first.loaded, ['block-00/w0005']);
      assert.equal(first.bytesLoaded, bytes('block-00/w0005'));
      assert.equal(first.bytesReleased, bytes('block-00/w0020'));
      assert.equal(runtime.memoryBytes, whole - first.bytesReleased + first.bytesLoaded);
      const second = runtime.use(mixed);
      assert.deepEqual(second.loaded, ['block-01/w0010']);
      near(await allLogits(runtime, 2), await expectedLogits(library, mixed, 2));
      const none = runtime.use(mixed);
      assert.deepEqual(
        [none.loaded, none.bytesLoaded, none.bytesReleased],
        [[], 0, 0],
        'nothing to do for the same descendants',
      );
    });

    it('finishes an inference on the blocks it began with', async () => {
      const before = await expectedLogits(library, teacher, 2);
      const after = await expectedLogits(library, mixed, 2);
      const running = allLogits(runtime, 2);
      runtime.use(mixed);
      near(await running, before);
      near(await allLogits(runtime, 2), after);
    });

    it('stays as it was when a block cannot be loaded', async () => {
      const path = library.pathOf(library.descendant('block-01/w0010').file);
      await rename(path, `${path}.away`);
      try {
        assert.throws(() => runtime.use(mixed), { name: 'BlockForgeError', message: /w0010/ });
      } finally {
        await rename(`${path}.away`, path);
      }
      assert.deepEqual(runtime.descendants, teacher);
      near(await allLogits(runtime, 1), await expectedLogits(library, teacher, 1));
      runtime.use(mixed);
    });

    it('refuses weights that are not those it was opened with, and takes the same bytes from elsewhere', async () => {
      const path = library.pathOf(library.descendant('block-01/w0010').file);
      const bytes = await readFile(path);
      const other = Buffer.from(bytes);
      // The last weight, one bit: as many bytes, a finite number.
      other[other.length - 4]! ^= 1;
      const sized = await startRuntime(await openLibrary(library.folder, { check: 'sizes' }), { engine });
      await writeFile(`${path}.new`, other);
      await rename(`${path}.new`, path);
      for (const held of [runtime, sized]) {
        assert.throws(() => held.use(mixed), {
          message: /w0010.*: it has changed since the library was opened/,
        });
        assert.deepEqual(held.descendants, teacher);
      }
      await sized.close();
      await writeFile(path, bytes);
      runtime.use(mixed);
      await link(path, `${path}.linked`);
      runtime.use(teacher);
      runtime.use(mixed);
      await rm(`${path}.linked`);
      await writeFile(path, other);
      await assert.rejects(library.readFfn('block-01/w0010'), /changed since/);
      await writeFile(path, bytes);
    });

    it('refuses another block’s descendant', async () => {
      const path = library.pathOf(library.descendant('block-00/w0005').file);
      await copyFile(path, `${path}.kept`);
      await copyFile(library.pathOf(library.descendant('block-01/w0005').file), path);
      const unchecked = await startRuntime(await openLibrary(library.folder, { check: 'none' }), { engine });
      try {
        assert.throws(() => unchecked.use(['block-00/w0005', 'block-01/w0020']), {
          name: 'BlockForgeError',
          message: /blocks\.0\.mlp/,
        });
      } finally {
        await unchecked.close();
        await rename(`${path}.kept`, path);
      }
      assert.throws(() => runtime.use(['block-01/w0020', 'block-00/w0020']), {
        name: 'BlockForgeError',
        message: /block-01\/w0020 in block 0/,
      });
      assert.throws(() => runtime.use(['block-00/w0020']), {
        name: 'BlockForgeError',
        message: /one descendant of each of its 2/,
      });
    });

    it('scales to what fits, and says when nothing does', () => {
      const memoryMB = (library.manifest.frame.sizeBytes + sizeOf(library, mixed) + 1) / 1e6;
      const { composition, descendants } = runtime.scaleTo({ memoryMB });
      assert.ok(runtime.memoryBytes <= memoryMB * 1e6, `${runtime.memoryBytes} bytes`);
      assert.deepEqual(runtime.descendants, descendants);
      assert.ok(composition.predictedDropPp > 0);
      assert.throws(() => runtime.scaleTo({ memoryMB: 0.001 }), {
        name: 'BlockForgeError',
        message: /memory/,
      });
      assert.deepEqual(runtime.descendants, descendants);
      runtime.scaleTo({});
      assert.deepEqual(runtime.descendants, teacher);
    });

    it('holds no more after hundreds of switches under inference', async () => {
      runtime.use(mixed);
      await allLogits(runtime, 1);
      const held = tf.memory();
      const draw = random(5, 'switches');
      const widths = ['w0020', 'w0010', 'w0005'];
      for (let round = 0; round < 100; round++) {
        const next = () => [0, 1].map((block) => `block-0${block}/${widths[draw.integer(3)]}`);
        const running = runtime.predict(images(1));
        runtime.use(next());
        runtime.use(next());
        await running;
      }
      runtime.use(mixed);
      const { numTensors, numBytes } = tf.memory();
      assert.deepEqual([numTensors, numBytes], [held.numTensors, held.numBytes]);
    });
  });
}

describe('images for a runtime', () => {
  let folder: { path: string; remove: () => Promise<void> };

  before(async () => {
    await loadEngine('wasm');
    folder = await writtenLibrary(libraryInput({ channels: 3 }));
  });

  after(() => folder.remove());

  it('are decoded as the teacher was measured, and named when they cannot be', async () => {
    const { default: sharp } = await import('sharp');
    const red = { width: 8, height: 8, channels: 3 as const, background: { r: 255, g: 0, b: 0 } };
    const png = await sharp({ create: red }).png().toBuffer();
    const path = join(folder.path, 'red.png');
    await writeFile(path, png);
    await writeFile(join(folder.path, 'torn.jpg'), png.subarray(0, 40));
    const runtime = await startRuntime(await openLibrary(folder.path), { engine: 'tfjs' });
    try {
      const pixels = new Float32Array(3 * 64).fill(-1).fill(1, 0, 64);
      const fromPixels = (await runtime.predict(pixels))[0]!;
      const found = await runtime.predict([path, png]);
      near(found[0]!.logits, fromPixels.logits);
      near(found[1]!.logits, fromPixels.logits);
      await assert.rejects(runtime.predict([join(folder.path, 'torn.jpg')]), {
        name: 'BlockForgeError',
        message: /torn\.jpg/,
      });
      await assert.rejects(runtime.predict([join(folder.path, 'none.jpg')]), {
        name: 'BlockForgeError',
        message: /none\.jpg/,
      });
      await assert.rejects(runtime.predict(new Float32Array(10)), {
        name: 'BlockForgeError',
        message: /multiple of 192/,
      });
    } finally {
      await runtime.close();
    }
  });

  it('are turned from interleaved to planar', () => {
    assert.deepEqual([...toPlanes(Float32Array.of(1, 10, 100, 2, 20, 200), 3)], [1, 2, 10, 20, 100, 200]);
  });
});

function sizeOf(library: Library, descendants: readonly string[]): number {
  return descendants.reduce((sum, id) => sum + library.descendant(id).file.sizeBytes, 0);
}
