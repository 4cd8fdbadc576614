import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs';
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelTfjs, submodelOnnx } from '../../pipeline/graphs/files.ts';
import type { OnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import { storedWeights } from '../../pipeline/graphs/weight-places.ts';
import { featureWidth, type Architecture } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { cutModel, type LayerCut } from '../../pipeline/slicing/cut.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { temporaryFolder } from '../library/fixture.ts';
import { assertNear, foldedModel, pixelsFor, roomy } from '../slicing/models.ts';
import { strongWeights, tinyArchitecture, tinyCct, tinySwin } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { runtimeOrSkip, served } from './support.ts';

const uneven: LayerCut = { keys: 2, values: 3, units: [0, 3, 4] };
const even: LayerCut = { heads: [0, 2], keys: 3, values: 3 };
const stridedCct: Architecture = {
  ...tinyCct,
  imageSize: [16, 32],
  channels: 1,
  patchSize: 16,
  tokenizer: { layers: 2, kernel: 7, channels: 3 },
};
/** More numbers in a constant than names tell. */
const wideSwin: Architecture = { ...tinySwin, imageSize: 24, window: 3 };
const models: Readonly<Record<string, SlicedModel>> = {
  'unequal keys and values, in the last layer too': cutModel(foldedModel(), {
    channels: [0, 2, 4, 5, 6, 9, 11],
    layers: [uneven, even, { heads: [1], keys: 3, values: 1 }],
  }),
  'a mean of patches, equal keys and values last': cutModel(foldedModel({ ...roomy, pool: 'mean' }), {
    channels: 5,
    layers: [uneven, uneven, even],
  }),
  'nothing cut': foldedModel(),
  'out of a distilled DeiT, unequal keys and values last': cutModel(
    foldedModel({ ...roomy, family: 'deit' }),
    {
      channels: 7,
      layers: [even, undefined, uneven],
    },
  ),
  'a distilled DeiT itself': {
    architecture: { ...tinyArchitecture, family: 'deit' },
    weights: strongWeights({ ...tinyArchitecture, family: 'deit' }),
  },
  'a CCT': { architecture: tinyCct, weights: strongWeights(tinyCct) },
  'a Swin': { architecture: tinySwin, weights: strongWeights(tinySwin) },
  'a Swin of larger windows': { architecture: wideSwin, weights: strongWeights(wideSwin) },
  'a CCT of two strided convolutions, 1 channel, 16 x 32': {
    architecture: stridedCct,
    weights: initialWeights(stridedCct, 5),
  },
};

/** Logits and features on the engine that is loaded. */
function expectedOf({ architecture, weights }: SlicedModel, images: tf.Tensor) {
  const model = uploadTeacher(weights, architecture);
  const { logits, features } = forward(model, images, { capture: ['pooled'] });
  const values = { logits: logits.dataSync().slice(), features: features.pooled.dataSync().slice() };
  tf.dispose([logits, features]);
  model.dispose();
  return values;
}

/** Both outputs of the graph in `folder`, for images [B, height, width, C]. */
async function outputsOf(runtime: OnnxRuntime, path: string, images: tf.Tensor) {
  const planes = tf.tidy(() => tf.transpose(images, [0, 3, 1, 2]));
  const session = await runtime.InferenceSession.create(path);
  const { shape } = planes;
  const given = new runtime.Tensor('float32', planes.dataSync<'float32'>(), shape);
  const outputs = await session.run({ images: given });
  const names = [...session.outputNames];
  await session.release();
  planes.dispose();
  return { names, outputs };
}

async function writeSubmodel(folder: string, { architecture, weights }: SlicedModel): Promise<string> {
  const file = join(folder, 'weights.safetensors');
  await writeSafetensors(file, weights);
  const graph = submodelOnnx(architecture, await storedWeights(file, 'weights.safetensors'), '0');
  const path = join(folder, 'model.onnx');
  await writeFile(path, graph);
  return path;
}

describeOnEachEngine('graphs/sliced-vit', (engine) => {
  for (const [title, model] of Object.entries(models)) {
    it(`gives the engine’s logits and features in ONNX Runtime within 1e-5 (${title})`, async function () {
      const runtime = await runtimeOrSkip(this);
      const scratch = await temporaryFolder();
      const images = pixelsFor(model.architecture, 2);
      try {
        const path = await writeSubmodel(scratch.path, model);
        const { names, outputs } = await outputsOf(runtime, path, images);
        const expected = expectedOf(model, images);
        assert.deepEqual(names, ['features', 'logits']);
        assert.deepEqual(outputs['features']!.dims, [2, featureWidth(model.architecture)]);
        assertNear(outputs['logits']!.data as Float32Array, expected.logits, 1e-5);
        assertNear(outputs['features']!.data as Float32Array, expected.features, 1e-5);
      } finally {
        images.dispose();
        await scratch.remove();
      }
    });

    it(`computes the same as a TensorFlow.js graph model within 1e-5 (${title})`, async () => {
      const scratch = await temporaryFolder();
      const images = pixelsFor(model.architecture, 2);
      try {
        const file = join(scratch.path, 'weights.safetensors');
        await writeSafetensors(file, model.weights);
        const places = await storedWeights(file, 'weights.safetensors');
        const { model: json, constants } = modelTfjs(model.architecture, places, 'constants.bin', '0');
        await writeFile(join(scratch.path, 'model.json'), JSON.stringify(json));
        await writeFile(join(scratch.path, 'constants.bin'), constants);
        const loaded = await loadGraphModel(served(scratch.path));
        const logits = loaded.predict(images) as tf.Tensor;
        assertNear(logits.dataSync(), expectedOf(model, images).logits, 1e-5);
        logits.dispose();
        loaded.dispose();
      } finally {
        images.dispose();
        await scratch.remove();
      }
    });
  }

  if (engine !== 'tensorflow') return;

  it('has norms that ONNX Runtime computes as one operation', async function () {
    const runtime = await runtimeOrSkip(this);
    const scratch = await temporaryFolder();
    try {
      const path = await writeSubmodel(scratch.path, present(models['nothing cut']));
      const optimizedModelFilePath = join(scratch.path, 'optimized.onnx');
      const session = await runtime.InferenceSession.create(path, {
        optimizedModelFilePath,
        graphOptimizationLevel: 'extended',
      });
      await session.release();
      const text = (await readFile(optimizedModelFilePath)).toString('latin1');
      assert.match(text, /SimplifiedLayerNormalization/);
      assert.doesNotMatch(text, /ReduceMean_/);
    } finally {
      await scratch.remove();
    }
  });

  it('is there of a ViT too: what its head takes beside the logits', async function () {
    const runtime = await runtimeOrSkip(this);
    const scratch = await temporaryFolder();
    const model = { architecture: tinyArchitecture, weights: strongWeights(tinyArchitecture) };
    const images = pixelsFor(tinyArchitecture, 2);
    try {
      const { outputs } = await outputsOf(runtime, await writeSubmodel(scratch.path, model), images);
      const expected = expectedOf(model, images);
      assertNear(outputs['logits']!.data as Float32Array, expected.logits, 1e-5);
      assertNear(outputs['features']!.data as Float32Array, expected.features, 1e-5);
    } finally {
      images.dispose();
      await scratch.remove();
    }
  });
});
