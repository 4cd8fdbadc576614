/** A whole library of ViT-Tiny's blocks, small but real: `configs/vit-tiny-in1k.yaml` with fewer images and steps, up to the measuring, without the training: a step is compared by itself. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenSplit, TensorBatch } from '../../datasets/batches.ts';
import type { SplitItem } from '../../datasets/contract.ts';
import { orderBlock } from '../../pipeline/compress/order/criteria.ts';
import { sampleLabels } from '../../pipeline/compress/visit-gradients.ts';
import { sweep } from '../../pipeline/measure/sweep.ts';
import { summariseScores } from '../../pipeline/measure/scores.ts';
import { tokensPerImage } from '../../pipeline/model/architecture.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import {
  calibrationImages,
  calibrationOf,
  labelRandom,
  sampledRows,
  sampledTokens,
} from '../../pipeline/recipe/calibration.ts';
import { recipeOf, refitInputs } from '../../pipeline/recipe/recipe.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { known } from '../../pipeline/util/known.ts';
import { openQualityData, type QualityData } from '../quality/data.ts';
import { openEvidence } from '../quality/evidence.ts';
import type { Row } from './comparison.ts';
import { ownSide } from './measure.ts';

export interface WholeCase {
  readonly calibration: number;
  readonly selection: number;
  readonly sparsities: readonly number[];
}

/** What both sides answer: means over all blocks and widths. */
const answers = ['held-out error of the refits', 'KL of single exchanges', 'KL of uniform models'] as const;

/** Images are decoded before the clock starts, on our side, for both. */
export function wholeRow({ calibration, selection, sparsities }: WholeCase): Row {
  return {
    group: 'whole',
    title: `library of ViT-Tiny, ${calibration} images`,
    isLong: true,
    async open({ engine, folder, peer }) {
      if (process.env.VIT_TINY === undefined) {
        fail({
          reason: 'usage',
          subject: '--whole',
          found: 'VIT_TINY is not set',
          expected: 'a folder with model.safetensors and photos/<class>/*.jpg (configs/vit-tiny-in1k.yaml)',
          next: 'set VIT_TINY, or leave --whole out',
        });
      }
      const data = await openQualityData(optionsOf({ calibration, selection, sparsities }), undefined);
      const { config } = data.loaded;
      const { architecture } = data;
      const { hidden, depth, heads, layerNormEpsilon: epsilon } = architecture;
      const recipe = recipeOf(config);
      const widths = sparsities.map((sparsity) => 8 * Math.round((hidden * (1 - sparsity)) / 8));
      const of = calibrationOf(config);
      const fold = data.folds[0]!;
      const { training, heldOut } = calibrationImages(of, fold.calibration);
      const memory = await inMemory(data.images, [...training, ...heldOut, ...fold.evaluation]);
      const python = await peer(engine.threads);
      const peers = [];
      if (python !== undefined) {
        const file = join(folder, 'whole.safetensors');
        const both = [...training, ...heldOut];
        const sampled = sampledTokens(of, architecture, 0);
        const tokens = tokensPerImage(architecture);
        const rows = sampledRows(
          of,
          architecture,
          both.map(({ id }) => id),
          0,
        ).map((row) => row % tokens);
        const labels = await drawLabels(data, memory.images.tensorBatches(training, 16));
        await writeSafetensors(file, {
          ...data.teacher,
          labels: { shape: [labels.length], data: labels },
          pixels: memory.array(both),
          evaluation: memory.array(fold.evaluation),
          rows: { shape: [both.length, sampled], data: rows },
        });
        const side = await python.prepare('whole', {
          file,
          training: training.length,
          ...{ depth, heads, epsilon, widths },
          ridge: config.order.ridge,
          ownShare: config.inputs.composedShare,
        });
        peers.push({ name: 'PyTorch and NumPy', side });
      }
      return {
        ours: ownSide(() => makeLibrary({ ...data, images: memory.images }, recipe, widths)),
        peers,
        answers,
        warmUp: 1,
        tolerance: 0.05,
        close: () => undefined,
      };
    },
  };
}

function optionsOf({ calibration, selection, sparsities }: WholeCase) {
  return {
    config: 'vit-tiny-in1k.yaml',
    set: [`data.splits={calibration: ${calibration}, selection: ${selection}, test: 0}`],
    recipes: [],
    sparsities,
    folds: 1,
    seeds: [],
    uniformOnly: true,
    allocationImages: 0,
    distill: [],
    distillRecipes: [],
    fresh: false,
  };
}

/** The labels that our class shares will draw from the teacher's answers. */
async function drawLabels(
  { architecture, teacher, loaded }: QualityData,
  batches: AsyncIterable<TensorBatch>,
): Promise<Int32Array> {
  const model = uploadTeacher(teacher, architecture);
  const { seed } = calibrationOf(loaded.config);
  const labels: number[] = [];
  for await (const { pixels, ids } of batches) {
    const logits = tf.tidy(() => forward(model, pixels).logits.dataSync<'float32'>());
    pixels.dispose();
    const randomOf = (image: number) => labelRandom({ seed }, ids[image]!);
    labels.push(...sampleLabels(logits, architecture.classes, randomOf));
  }
  model.dispose();
  return Int32Array.from(labels);
}

async function makeLibrary(
  data: QualityData,
  recipe: ReturnType<typeof recipeOf>,
  widths: readonly number[],
): Promise<number[]> {
  const fold = data.folds[0]!;
  const model = uploadTeacher(data.teacher, data.architecture);
  const needs = { recipes: [recipe] };
  const evidence = await openEvidence(data, model, fold.calibration, needs, () => undefined);

  const refits: FfnWeights[][] = [];
  const refitErrors: number[] = [];
  const fitting = evidence.fit({
    composed: refitInputs(recipe),
    options: { ridge: recipe.order.ridge, method: recipe.refit.method },
    orderOf: (block) => orderBlock(recipe.order, evidence.teacher[block]!, evidence.evidence[block]!).units,
    widths: evidence.teacher.map(() => widths),
  });
  for await (const { levels } of fitting) {
    refitErrors.push(...levels.map(({ heldOut }) => heldOut.relative));
    refits.push(levels.map(({ weights }) => weights));
  }

  const variants = refits.flatMap((own, block) =>
    own.map((weights) => ({ id: `${block}/w${weights.hidden}`, block, weights })),
  );
  const uploaded = variants.map(({ id, block, weights }) => ({ id, block, ffn: uploadFfn(weights) }));
  const { models } = await sweep({
    model,
    batches: data.images.tensorBatches(fold.evaluation, fold.evaluation.length),
    descendants: uploaded,
    models: widths.map((_, level) => ({
      id: `uniform ${level}`,
      ffn: (block) => uploaded[block * widths.length + level]!.ffn,
    })),
  });
  uploaded.forEach(({ ffn }) => disposeFfn(ffn));
  model.dispose();
  const kl = (id: string): number => summariseScores(known(models, id)).kl;
  return [
    mean(refitErrors),
    mean(variants.map(({ id }) => kl(id))),
    mean(widths.map((_, level) => kl(`uniform ${level}`))),
  ];
}

/** Decodes `items` once, and serves them from memory. */
async function inMemory(images: OpenSplit, items: readonly SplitItem[]) {
  const pixelsOf = new Map<string, Float32Array>();
  let shape: number[] = [];
  for await (const { pixels, ids } of images.tensorBatches(items, 16)) {
    shape = pixels.shape.slice(1);
    const size = pixels.size / ids.length;
    const values = pixels.dataSync<'float32'>();
    for (const [image, id] of ids.entries()) {
      pixelsOf.set(id, values.slice(image * size, (image + 1) * size));
    }
    pixels.dispose();
  }
  const array = (some: readonly SplitItem[]) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const data = new Float32Array(some.length * size);
    for (const [image, { id }] of some.entries()) data.set(known(pixelsOf, id), image * size);
    return { shape: [some.length, ...shape], data };
  };
  return {
    array,
    images: {
      ...images,
      // eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
      async *tensorBatches(some: readonly SplitItem[], batchSize: number): AsyncGenerator<TensorBatch> {
        for (let from = 0; from < some.length; from += batchSize) {
          const batch = some.slice(from, from + batchSize);
          const { shape, data } = array(batch);
          yield {
            pixels: tf.tensor4d(data, shape as [number, number, number, number]),
            labels: Int32Array.from(batch, ({ label }) => label),
            ids: batch.map(({ id }) => id),
          };
        }
      },
    } satisfies OpenSplit,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
