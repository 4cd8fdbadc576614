import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectCheckpoint, type ArchitectureHints } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { modelOnnx, modelTfjs, submodelOnnx } from '../../pipeline/graphs/files.ts';
import { runOnnxOutputs } from '../../pipeline/graphs/onnx-runtime.ts';
import { storedWeights } from '../../pipeline/graphs/weight-places.ts';
import { isClassifier, outputName } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { temporaryFolder } from '../library/fixture.ts';
import { assertNear } from '../slicing/models.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { runtimeOrSkip, served } from './support.ts';

const folder = join(import.meta.dirname, '../fixtures/teachers');
type Hints = Omit<ArchitectureHints, 'pool'> & { pool?: ArchitectureHints['pool'] | null };
const { cases } = JSON.parse(readFileSync(join(folder, 'references.json'), 'utf8')) as {
  /** A pool of null: the file tells it. */
  cases: Record<string, { hints: Hints; imageSize?: [number, number]; headless?: true; logits: number[] }>;
};

/** What each has that a plain ViT has not. */
const forms: Readonly<Record<string, string>> = {
  'timm-registers': 'registers',
  'timm-gap': 'no class token',
  'timm-gap-registers': 'registers, no class token',
  'timm-max': 'the maximum of the patches',
  'timm-max-norm': 'the maximum of the normalised patches',
  'timm-siglip': 'attention pooling',
  'timm-map-token': 'attention pooling of patches beside a class token',
  'timm-map-registers': 'attention pooling of patches behind registers',
  'timm-clip': 'a first norm',
  'timm-swiglu-packed': 'gated blocks, packed',
  'timm-swiglu': 'gated blocks',
  'timm-dinov3': 'rotary positions, registers, mean of the patches',
  'timm-dinov3-token': 'rotary positions, registers',
  'timm-dinov3-swiglu': 'rotary positions, gated blocks',
  'huggingface-dinov2': 'class token and mean',
  'huggingface-dinov2-swiglu': 'class token and mean, gated blocks',
  'huggingface-dinov2-registers': 'class token and mean, registers',
  'huggingface-clip': 'a projecting tower',
  'huggingface-clip-tower': 'a tower with a first norm',
  'huggingface-siglip': 'a tower with attention pooling',
  'huggingface-clip-classifier': 'the mean of patches without a last norm',
  'huggingface-siglip-classifier': 'the mean of normalised patches, no class token',
  'huggingface-dinov3': 'a tower with rotary positions and gated blocks',
  'timm-beit': 'biases of relative positions, mean of the patches',
  'timm-beit-token': 'biases of relative positions',
  'timm-beit-rectangular': 'biases of relative positions, rectangular images',
  'huggingface-beit-shared': 'biases of relative positions beside learned ones',
  'huggingface-beit-backbone': 'biases of relative positions, no head',
  openclip: 'a projecting tower of OpenCLIP',
};

/** The model of a fixture, its images [2, height, width, 3], and what the engine that is loaded makes of them. */
async function modelOf(name: string) {
  const { hints, imageSize = [8, 8], headless, logits } = cases[name]!;
  const { pool = 'class-token', ...others } = hints;
  const told = { imageSize, ...others, ...(pool !== null && { pool }) } as const;
  const inspection = await inspectCheckpoint(join(folder, `${name}.safetensors`), { hints: told, headless });
  const { architecture } = inspection;
  const weights = await readTeacher(inspection);
  const shape: [number, number, number, number] = [2, 3, ...imageSize];
  const length = 6 * imageSize[0] * imageSize[1];
  const planes = { shape, data: Float32Array.from({ length }, (_, index) => Math.sin(index * 0.7)) };
  const images = tf.tidy(() => tf.transpose(tf.tensor4d(planes.data, shape), [0, 2, 3, 1]));
  const model = uploadTeacher(weights, architecture);
  const found = forward(model, images, { capture: ['pooled'] });
  const valuesOf = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>().slice();
  const [answer, pooled] = [valuesOf(found.logits), valuesOf(found.features.pooled)];
  tf.dispose([found.logits, found.features]);
  model.dispose();
  return { architecture, weights, planes, images, answer, pooled, reference: logits };
}

describeOnEachEngine('graphs of the libraries’ own classes', () => {
  for (const [name, form] of Object.entries(forms)) {
    it(`compute what the engine computes, within 1e-5, and the library’s own class (${name}: ${form})`, async function () {
      const { architecture, weights, planes, images, ...expected } = await modelOf(name);
      const scratch = await temporaryFolder();
      try {
        const at = (file: string) => join(scratch.path, file);
        await writeSafetensors(at('weights.safetensors'), weights);
        const places = await storedWeights(at('weights.safetensors'), 'weights.safetensors');
        const { model, constants } = modelTfjs(architecture, places, 'constants.bin', '0');
        await writeFile(at('model.json'), JSON.stringify(model));
        await writeFile(at('constants.bin'), constants);
        const loaded = await loadGraphModel(served(scratch.path));
        const answer = loaded.predict(images) as tf.Tensor;
        assert.deepEqual(answer.shape, [2, architecture.classes]);
        assertNear(answer.dataSync(), expected.answer, 1e-5);
        answer.dispose();
        loaded.dispose();

        const runtime = await runtimeOrSkip(this);
        const hasHead = isClassifier(architecture);
        await writeFile(at('model.onnx'), (hasHead ? submodelOnnx : modelOnnx)(architecture, places, '0'));
        const outputs = await runOnnxOutputs(runtime, at('model.onnx'), { images: planes });
        assert.deepEqual(Object.keys(outputs), hasHead ? ['features', 'logits'] : ['features']);
        const answered = outputs[outputName(architecture)]!;
        assertNear(answered, expected.answer, 1e-5);
        assertNear(answered, expected.reference, 1e-4);
        if (hasHead) assertNear(outputs['features']!, expected.pooled, 1e-5);
      } finally {
        images.dispose();
        await scratch.remove();
      }
    });
  }
});
