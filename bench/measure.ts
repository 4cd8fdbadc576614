import * as tf from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { sweep, type LabelledBatch } from '../pipeline/measure/sweep.ts';
import { extentOf, tokensPerImage, type Architecture } from '../pipeline/model/architecture.ts';
import { namedArchitecture } from '../pipeline/checkpoint/architectures.ts';
import { sliceFfn } from '../pipeline/model/ffn-weights.ts';
import { initialWeights } from '../pipeline/model/initial-weights.ts';
import { forward } from '../pipeline/model/encoder.ts';
import { disposeFfn, teacherFfn, uploadFfn } from '../pipeline/model/ffn-tensors.ts';
import { hostFfn } from '../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';

export interface MeasureCase {
  readonly architecture: Architecture;
  readonly sparsities: readonly number[];
  readonly images: number;
}

const vitTiny = namedArchitecture('vit_tiny_patch16_224');
if (vitTiny === undefined) throw new Error('no ViT-Tiny among the named architectures');

/** ViT-Tiny/16 at 224 px, and a model of the size that Fashion-MNIST needs. Four descendants per block. */
export const measureCases: Readonly<Record<string, MeasureCase>> = {
  'vit-tiny': {
    architecture: {
      ...vitTiny.facts,
      channels: 3,
      classes: 1000,
    },
    sparsities: [0.4, 0.5, 0.6, 0.7],
    images: 2,
  },
  small: {
    architecture: {
      layerNormEpsilon: 1e-6,
      gelu: 'exact',
      imageSize: 28,
      patchSize: 4,
      channels: 1,
      width: 96,
      depth: 6,
      heads: 4,
      hidden: 384,
      classes: 10,
    },
    sparsities: [0.4, 0.5, 0.6, 0.7],
    images: 50,
  },
};

/**
 * Scoring every descendant in the teacher's context: one sweep with its shared prefix against a whole forward pass for
 * every model, in processor time and in multiply-adds. Both skip what the class token does not need in the last layer.
 */
export async function benchMeasure({ architecture, sparsities, images }: MeasureCase): Promise<{
  readonly models: number;
  readonly sweepSeconds: number;
  readonly naiveSeconds: number;
  readonly timeShare: number;
  readonly macShare: number;
}> {
  const host = initialWeights(architecture, 1);
  const model = uploadTeacher(host, architecture);
  const { depth, hidden, channels } = architecture;
  const image = extentOf(architecture.imageSize);
  const descendants = Array.from({ length: depth }, (_, block) => block).flatMap((block) =>
    sparsities.map((sparsity) => {
      const kept = Array.from({ length: Math.round(hidden * (1 - sparsity)) }, (_, unit) => unit);
      return { id: `${block}/${kept.length}`, block, ffn: uploadFfn(sliceFfn(hostFfn(host, block), kept)) };
    }),
  );
  const pixels = tf.randomNormal<tf.Rank.R4>(
    [images, image.height, image.width, channels],
    0,
    1,
    'float32',
    1,
  );
  const batch = (): LabelledBatch => ({
    pixels: tf.clone(pixels),
    labels: new Int32Array(images),
    ids: Array.from({ length: images }, (_, image) => String(image)),
  });
  // eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
  async function* batches(): AsyncGenerator<LabelledBatch> {
    yield batch();
  }
  const naive = (): void => {
    for (const descendant of [undefined, ...descendants]) {
      tf.tidy(() => {
        const ffn = (index: number) =>
          index === descendant?.block ? descendant.ffn : teacherFfn(model, index);
        forward(model, pixels, { ffn }).logits.dataSync();
      });
    }
  };
  // Processor time of all threads: unlike the clock, it does not count the neighbours on the machine.
  const seconds = async (work: () => unknown): Promise<number> => {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  tf.tidy(() => forward(model, pixels).logits.dataSync());
  const sweepOnce = () => sweep({ model, batches: batches(), descendants, models: [] });
  // There and back, so that a neighbour on the machine who comes or goes hits both.
  const times = [
    await seconds(naive),
    await seconds(sweepOnce),
    await seconds(sweepOnce),
    await seconds(naive),
  ];
  descendants.forEach(({ ffn }) => disposeFfn(ffn));
  model.dispose();
  pixels.dispose();
  const sweepSeconds = times[1]! + times[2]!;
  const naiveSeconds = times[0]! + times[3]!;
  return {
    models: 1 + descendants.length,
    sweepSeconds,
    naiveSeconds,
    timeShare: sweepSeconds / naiveSeconds,
    macShare: macShare(architecture, sparsities),
  };
}

/** Multiply-adds of the sweep over those of whole passes, with the class-token shortcut of the last layer in both. */
function macShare(architecture: Architecture, sparsities: readonly number[]): number {
  const { width: D, hidden: H, depth, classes, patchSize, channels } = architecture;
  const T = tokensPerImage(architecture);
  const last = depth - 1;
  const embedding = (T - 1) * patchSize * patchSize * channels * D;
  const attention = (block: number): number =>
    block < last ? 4 * T * D * D + 2 * T * T * D : 2 * T * D * D + 2 * D * D + 2 * T * D;
  const ffn = (block: number, width: number): number => 2 * (block < last ? T : 1) * D * width;
  const after = (block: number): number => {
    let sum = classes * D;
    for (let index = block + 1; index <= last; index++) sum += attention(index) + ffn(index, H);
    return sum;
  };
  const teacher = embedding + attention(0) + ffn(0, H) + after(0);
  const wholeLastAttention = 4 * T * D * D + 2 * T * T * D;
  let cached = teacher - attention(last) + wholeLastAttention;
  let whole = teacher;
  for (let block = 0; block <= last; block++) {
    for (const sparsity of sparsities) {
      const own = ffn(block, Math.round(H * (1 - sparsity)));
      cached += own + after(block);
      whole += teacher - ffn(block, H) + own;
    }
  }
  return cached / whole;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const [choice = 'auto', ...names] = process.argv.slice(2);
  console.log((await loadEngine(choice as EngineChoice)).description);
  for (const name of names.length > 0 ? names : Object.keys(measureCases)) {
    const result = await benchMeasure(measureCases[name]!);
    const { models, sweepSeconds, naiveSeconds, timeShare, macShare } = result;
    console.log(
      `${name}, ${models} models: sweep ${sweepSeconds.toFixed(2)} s, whole passes ${naiveSeconds.toFixed(2)} s, ` +
        `${(100 * timeShare).toFixed(1)} % of the processor time, ${(100 * macShare).toFixed(1)} % of the multiply-adds`,
    );
  }
}
