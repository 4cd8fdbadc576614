import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readTensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { present } from '../support/present.ts';
import { namesRig } from './names-rig.ts';

const folder = join(import.meta.dirname, '../fixtures/teachers');
const towers = ['huggingface-clip', 'huggingface-clip-tower', 'huggingface-dinov3', 'openclip'];

describe('checkpoint: a classifier of one’s own beside an image tower', () => {
  const { inspected, refusal } = namesRig();
  const hints = { heads: 2, imageSize: 8, layerNormEpsilon: 1e-5, gelu: 'exact' } as const;

  async function withClassifier(tower: string): Promise<NamedArrays> {
    const { tensors } = await readTensors(join(folder, `${tower}.safetensors`));
    const isNorm = /(?:post_layernorm|ln_post|\bnorm)\.weight$/;
    const norm = present(Object.entries(tensors).find(([name]) => isNorm.test(name)));
    const width = norm[1].data.length;
    const fc = { shape: [5, width], data: new Float32Array(5 * width).fill(0.25) };
    return { ...tensors, 'fc.weight': fc };
  }

  for (const tower of towers) {
    it(`is read where it is told, of ${tower}`, async () => {
      const tensors = await withClassifier(tower);
      // Below the tower's own prefix a projection cannot be told from a part of the tower.
      const ignore = tower === 'openclip' ? ['proj'] : [];
      const found = await inspected(tensors, { hints: { ...hints, head: 'fc', ignore } });
      assert.deepEqual([found.architecture.classes, found.architecture.answer], [5, undefined]);
      assert.ok(found.notes.includes('the head is "fc"'), found.notes.join());
    });

    it(`is not passed over, of ${tower}`, async () => {
      const tensors = await withClassifier(tower);
      assert.match(
        await refusal(inspected(tensors, { hints }), 'checkpoint-unsupported'),
        /fc beside it, which may be a classifier.*teacher\.hints: \{ head: fc \}.*teacher\.head: none/s,
      );
      const { architecture } = await inspected(tensors, { hints, headless: true });
      assert.equal(architecture.answer, 'pooled');
    });

    it(`is an error where nothing has the name, of ${tower}`, async () => {
      const tensors = await withClassifier(tower);
      const promise = inspected(tensors, { hints: { ...hints, head: 'nosuch' } });
      assert.match(await refusal(promise, 'config-invalid'), /teacher\.hints\.head: "nosuch"/);
    });
  }
});
