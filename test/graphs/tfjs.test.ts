import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tfjsBuilder } from '../../pipeline/graphs/tfjs.ts';
import { buildModel } from '../../pipeline/graphs/model-graph.ts';
import { storedWeights } from '../../pipeline/graphs/weight-places.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openLibrary } from '../../pipeline/library/open.ts';
import { writeLibrary } from '../../pipeline/library/write.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { strongWeights, tinyArchitecture as tiny } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { libraryInput, temporaryFolder } from '../library/fixture.ts';
import { assertClose, expectedLogits, kinds, randomImages, served } from './support.ts';

const mixed = ['block-00/w0005', 'block-01/w0010'];

describeOnEachEngine('library/forms tfjs', () => {
  for (const { title, architecture } of kinds) {
    it(`loads as a graph model and computes what the pipeline computes (${title})`, async () => {
      const scratch = await temporaryFolder();
      try {
        await writeLibrary(join(scratch.path, 'library'), libraryInput(architecture));
        const library = await openLibrary(join(scratch.path, 'library'));
        const folder = join(scratch.path, 'model');
        await writeModel(library, mixed, folder);
        const model = await loadGraphModel(served(folder));
        for (const batch of [1, 3]) {
          const { pixels } = randomImages(library, batch);
          const images = tf.tensor(pixels.data, pixels.shape);
          const logits = model.predict(images) as tf.Tensor;
          assert.deepEqual(logits.shape, [batch, 4]);
          assertClose(logits.dataSync(), await expectedLogits(library, mixed, pixels), 1e-4);
          tf.dispose([images, logits]);
        }
        model.dispose();
      } finally {
        await scratch.remove();
      }
    });
  }

  it('reads weights from one file: a last file larger than all others is what TensorFlow.js reads wrongly', async () => {
    const scratch = await temporaryFolder();
    try {
      const weights = strongWeights(tiny);
      await writeSafetensors(join(scratch.path, 'weights.safetensors'), weights);
      const graph = tfjsBuilder(
        await storedWeights(join(scratch.path, 'weights.safetensors'), 'weights.safetensors'),
      );
      buildModel(graph, tiny);
      const { model: json, constants } = graph.finish('constants.bin', '0');
      await writeFile(join(scratch.path, 'model.json'), JSON.stringify(json));
      await writeFile(join(scratch.path, 'constants.bin'), constants);
      const model = await loadGraphModel(served(scratch.path));
      const teacher = uploadTeacher(weights, tiny);
      const images = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 3);
      const logits = model.predict(images) as tf.Tensor;
      const expected = forward(teacher, images).logits;
      assertClose(logits.dataSync(), expected.dataSync(), 1e-4);
      tf.dispose([images, logits, expected]);
      teacher.dispose();
      model.dispose();
    } finally {
      await scratch.remove();
    }
  });
});
