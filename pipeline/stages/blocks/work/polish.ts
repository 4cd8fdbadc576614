import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import type { SplitItem } from '../../../../datasets/contract.ts';
import { blockName, tokensPerImage, type Architecture } from '../../../model/architecture.ts';
import { forwardFlops } from '../../../model/costs.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { Config } from '../../../config/schema.ts';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import { random } from '../../../util/random.ts';
import { calibrationImages } from './calibration.ts';
import { distillJob, files, indices, polishJob, splitsJob, teacherJob } from '../artefacts.ts';
import type { Measured } from './measured.ts';
import { descents, type Descent } from '../shape.ts';

/** A uniform model before and after, on the selection split. */
export interface Polished {
  readonly sparsity: number;
  readonly width: number;
  readonly before: Measured;
  readonly after: Measured;
  /** After minus before, paired over the same images. */
  readonly gainPp: { readonly mean: number; readonly low: number; readonly high: number };
  /** Of the training, per step. */
  readonly losses: readonly number[];
}

/** The models the config asks for. @throws BlockForgeError `config-invalid` for a sparsity that is not in the library. */
export function polishedModels(config: Config, hidden: number): Descent[] {
  const known = descents(config, hidden);
  return config.polish.sparsities.map((sparsity) => {
    const found = known.find((item) => item.sparsity === sparsity);
    return (
      found ??
      fail({
        reason: 'config-invalid',
        subject: 'polish.sparsities',
        found: String(sparsity),
        expected: `one of descendants.sparsities: ${known.map((item) => item.sparsity).join(', ')}`,
        next: 'polish a sparsity that the library has, or add this one to descendants.sparsities',
      })
    );
  });
}

/**
 * What one layer saves of one image for its gradient: 14 floats per token of D + H (fitted to ViT-Tiny, which takes 5.3 GB
 * with batches of 32) and three of every attention weight.
 */
function savedBytes(architecture: Architecture): number {
  const tokens = tokensPerImage(architecture);
  const { width, hidden, heads } = architecture;
  return 4 * (14 * tokens * (width + hidden) + 3 * heads * tokens ** 2);
}

/** In percent, for names: 62.5, not 62.50000000000001. */
export const removedPercent = (sparsity: number): number => Number((100 * sparsity).toFixed(4));

/**
 * A short end-to-end distillation of uniform models, without labels: all FFN blocks learn together what the teacher says
 * of the calibration images. Off by default. The library is not changed: a polished block serves its own model only.
 * Reads: splits, teacher, descendants. Writes: the polished blocks, and the model measured before and after.
 * Costs: per step about four forward passes of its images. Resumes inside the job.
 */
export const polish: Stage = {
  name: 'polish',
  version: 1,
  plan: ({ loaded, architecture, engine, inputs }) => {
    const { config } = loaded;
    const { width, hidden, depth } = architecture;
    const passes = 4 * config.polish.steps * config.polish.batchSize + 3 * config.data.splits.selection;
    return polishedModels(config, hidden).map(({ sparsity, width: kept }) => ({
      id: polishJob(removedPercent(sparsity)),
      needs: [splitsJob, teacherJob, ...indices(depth).map(distillJob)],
      settings: {
        polish: { ...config.polish, sparsities: null },
        sparsity,
        seed: config.seed,
        heldOut: config.statistics.heldOut,
        confidence: config.measure.confidence,
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
      },
      estimate: {
        seconds: 5 + (passes * forwardFlops(architecture)) / (engine === 'wasm' ? 8e9 : 60e9),
        memoryBytes: 8e8 + config.polish.batchSize * depth * savedBytes(architecture),
        diskBytes: 5 * depth * kept * width * 8,
      },
    }));
  },
  async run(job, context) {
    const { polishComposition } = await import('../../../distill/polish.ts');
    const { bounds, pairedScoresPp } = await import('../../../measure/interval.ts');
    const { sweep } = await import('../../../measure/sweep.ts');
    const { uploadFfn, disposeFfn } = await import('../../../model/vit.ts');
    const { fileCheckpoint } = await import('./checkpoint.ts');
    const { measureAll } = await import('./measured.ts');
    const { openSplit, openTeacher } = await import('./open.ts');
    const { readDescendants, writeBlocks } = await import('./read.ts');
    const { config } = context.loaded;
    const { hidden, depth } = context.architecture;
    const { sparsity, width } = polishedModels(config, hidden).find(
      (item) => polishJob(removedPercent(item.sparsity)) === job.id,
    )!;
    const ffns: FfnWeights[] = [];
    for (const block of indices(depth)) {
      ffns.push((await readDescendants(context.input(distillJob(block))!, width))[0].weights);
    }
    const calibration = await openSplit(context, 'calibration');
    const { training } = calibrationImages(config, calibration.items);
    const model = await openTeacher(context);
    const { learningRate, warmupShare, weightDecay, hiddenWeight, steps, batchSize } = config.polish;
    const polished = await polishComposition({
      model,
      ffns,
      batches: (first) => shuffledBatches(calibration, training, { batchSize, seed: config.seed, first }),
      settings: { steps, learningRate, warmupShare, weightDecay, hiddenWeight },
      signal: context.signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.9 * fraction, ...rest }),
    });

    const selection = await openSplit(context, 'selection');
    const uploaded = { before: ffns.map(uploadFfn), after: polished.ffns.map(uploadFfn) };
    const { models } = await sweep({
      model,
      batches: selection.tensorBatches(selection.items, config.measure.batchSize),
      images: selection.items.length,
      descendants: [],
      uniform: (['before', 'after'] as const).map((id) => ({
        id,
        ffn: (block: number) => uploaded[id][block],
      })),
      signal: context.signal,
      onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.9 + 0.1 * fraction, ...rest }),
    });
    [...uploaded.before, ...uploaded.after].forEach(disposeFfn);
    model.dispose();
    const measured = measureAll(models, config.measure.confidence);
    const [before, after] = [measured.get('before')!, measured.get('after')!];
    const gain = pairedScoresPp(
      models.get('after')!.correct,
      models.get('before')!.correct,
      config.measure.confidence,
    );
    const result: Polished = {
      sparsity,
      width,
      before,
      after,
      gainPp: bounds(gain),
      losses: polished.losses,
    };
    await writeBlocks(join(context.folder, files.descendants), polished.ffns);
    await writeJsonAtomic(join(context.folder, files.polished), result);
    if (after.kl >= before.kl) {
      context.warn(
        `polishing did not bring the model at ${sparsity} nearer to the teacher (KL ${before.kl} to ${after.kl})`,
      );
    }
    return { sparsity, before: before.top1Percent.mean, after: after.top1Percent.mean };
  },
};

/** Whole epochs in an order of their own, one after the other, without end; the same for the same step. */
async function* shuffledBatches(
  split: OpenSplit,
  items: readonly SplitItem[],
  { batchSize, seed, first }: { readonly batchSize: number; readonly seed: number; readonly first: number },
): AsyncGenerator<tf.Tensor4D> {
  const perEpoch = Math.max(1, Math.floor(items.length / batchSize));
  for (let epoch = Math.floor(first / perEpoch), skip = first % perEpoch; ; epoch++, skip = 0) {
    const shuffled = random(seed, 'polish', epoch)
      .shuffle([...items])
      .slice(skip * batchSize, perEpoch * batchSize);
    for await (const { pixels } of split.tensorBatches(shuffled, batchSize)) yield pixels;
  }
}

/** What the report says of the models that were polished. */
export async function readPolished(
  context: JobContext,
): Promise<{ polished: Polished; ffns: FfnWeights[] }[]> {
  const { readBlocks } = await import('./read.ts');
  const { readJson } = await import('../../../util/atomic.ts');
  const { config } = context.loaded;
  const found = await Promise.all(
    polishedModels(config, context.architecture.hidden).map(async ({ sparsity }) => {
      const folder = context.optionalInput(polishJob(removedPercent(sparsity)));
      if (folder === undefined) return [];
      const ffns = await readBlocks(
        join(folder, files.descendants),
        indices(context.architecture.depth).map(blockName),
      );
      return [{ polished: await readJson<Polished>(join(folder, files.polished)), ffns }];
    }),
  );
  return found.flat();
}
