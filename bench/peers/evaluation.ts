import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { sweep, type LabelledBatch } from '../../pipeline/measure/sweep.ts';
import { tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn, transposed } from '../../pipeline/model/host-weights.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import type { Row } from './comparison.ts';
import { layerProducts } from './forward.ts';
import { ownSide } from './measure.ts';
import { productsSide } from './products.ts';
import { architectureNamed, noiseImages, randomTeacher } from './random-teacher.ts';

export interface EvaluationCase {
  readonly title: string;
  readonly architecture: string;
  readonly sparsities: readonly number[];
  readonly images: number;
}

/** Scoring the teacher and every block at every width in it, by one sweep that computes shared prefixes once. */
export function evaluationRow({ title, architecture: name, sparsities, images }: EvaluationCase): Row {
  const architecture = architectureNamed(name);
  const { depth, hidden, heads, layerNormEpsilon: epsilon } = architecture;
  const models = 1 + depth * sparsities.length;
  return {
    group: 'evaluation',
    title: `${title}, ${models} models on ${images} images`,
    async open({ engine, folder, peer }) {
      const host = randomTeacher(architecture);
      const pixels = noiseImages(images);
      const descendants = Array.from({ length: depth }, (_, block) => block).flatMap((block) =>
        sparsities.map((sparsity) => {
          const kept = Array.from({ length: Math.round(hidden * (1 - sparsity)) }, (_, unit) => unit);
          return { block, weights: sliceFfn(hostFfn(host, block), kept) };
        }),
      );
      const python = await peer(engine.threads);
      const peers = [];
      if (python !== undefined) {
        const file = join(folder, 'evaluation.safetensors');
        const arrays: NamedArrays = { ...host, pixels };
        for (const [index, { weights }] of descendants.entries()) {
          const { width: D, hidden: H, fc1Kernel, fc1Bias, fc2Kernel, fc2Bias } = weights;
          const name = `descendants.${index}`;
          arrays[`${name}.fc1.weight`] = { shape: [H, D], data: transposed(fc1Kernel, D, H) };
          arrays[`${name}.fc1.bias`] = { shape: [H], data: fc1Bias };
          arrays[`${name}.fc2.weight`] = { shape: [D, H], data: transposed(fc2Kernel, H, D) };
          arrays[`${name}.fc2.bias`] = { shape: [D], data: fc2Bias };
        }
        await writeSafetensors(file, arrays);
        const settings = { file, blocks: descendants.map(({ block }) => block), depth, heads, epsilon };
        peers.push(
          {
            name: 'PyTorch, whole passes',
            side: await python.prepare('evaluation', { ...settings, way: 'naive' }),
          },
          {
            name: 'PyTorch, prefixes shared',
            side: await python.prepare('evaluation', { ...settings, way: 'shared' }),
          },
        );
      }
      const model = uploadTeacher(host, architecture);
      const input = tf.tensor4d(pixels.data, pixels.shape);
      const variants = descendants.map(({ block, weights }) => ({
        id: `${block}/${weights.hidden}`,
        block,
        ffn: uploadFfn(weights),
      }));
      const batch = (): LabelledBatch => ({
        pixels: tf.clone(input),
        labels: new Int32Array(images),
        ids: Array.from({ length: images }, (_, image) => String(image)),
      });
      // eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
      async function* batches(): AsyncGenerator<LabelledBatch> {
        yield batch();
      }
      const products = productsSide(layerProducts(architecture, images));
      return {
        flop: 2 * images * sweepMacs(architecture, sparsities),
        ours: ownSide(async (count) => {
          let kl: number[] = [];
          for (let i = 0; i < count; i++) {
            const scores = await sweep({ model, batches: batches(), descendants: variants, models: [] });
            kl = variants.map(({ id }) => mean(scores.models.get(id)?.kl ?? new Float32Array()));
          }
          return kl;
        }),
        products,
        peers,
        warmUp: 1,
        tolerance: 1e-3,
        close() {
          variants.forEach(({ ffn }) => disposeFfn(ffn));
          model.dispose();
          products.dispose();
          input.dispose();
        },
      };
    },
  };
}

/**
 * Multiply-adds of a sweep over one image: the teacher's pass once, and from every block on what is left of it, with every descendant.
 * What the head does not read of the last block is not computed.
 */
export function sweepMacs(architecture: Architecture, sparsities: readonly number[]): number {
  const { width: D, hidden: H, depth, classes, patchSize, channels } = architecture;
  const T = tokensPerImage(architecture);
  const last = depth - 1;
  const embedding = (T - 1) * patchSize * patchSize * channels * D;
  const wholeAttention = 4 * T * D * D + 2 * T * T * D;
  const attention = (block: number): number =>
    block < last ? wholeAttention : 2 * T * D * D + 2 * D * D + 2 * T * D;
  const ffn = (block: number, width: number): number => 2 * (block < last ? T : 1) * D * width;
  const after = (block: number): number => {
    let sum = classes * D;
    for (let index = block + 1; index <= last; index++) sum += attention(index) + ffn(index, H);
    return sum;
  };
  let macs = embedding + attention(0) + ffn(0, H) + after(0) - attention(last) + wholeAttention;
  for (let block = 0; block <= last; block++) {
    for (const sparsity of sparsities) macs += ffn(block, Math.round(H * (1 - sparsity))) + after(block);
  }
  return macs;
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
