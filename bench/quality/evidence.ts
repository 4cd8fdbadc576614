import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import type { SplitItem } from '../../datasets/contract.ts';
import type { BlockEvidence } from '../../pipeline/compress/order/criterion.ts';
import { shareImages, tokenWeights, type TokenWeights } from '../../pipeline/compress/token-weights.ts';
import { prefixTokens } from '../../pipeline/model/architecture.ts';
import { sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import {
  calibrationImages,
  calibrationOf,
  chainImages,
  sampledTokens,
  type ImageSplit,
} from '../../pipeline/recipe/calibration.ts';
import {
  classShareBatchSize,
  collectEvidence,
  createEvidence,
  measureClassShare,
} from '../../pipeline/recipe/evidence.ts';
import { fitLevels, type FittedBlock } from '../../pipeline/recipe/fit-levels.ts';
import { fitOnTeacher } from '../../pipeline/recipe/fit-on-teacher.ts';
import type { FitOptions } from '../../pipeline/recipe/fit-widths.ts';
import type { ComposedInputs, Recipe } from '../../pipeline/recipe/recipe.ts';
import { streamFiles } from '../../pipeline/recipe/stream-files.ts';
import { joined } from '../../pipeline/util/joined.ts';
import type { QualityData } from './data.ts';
import { evidencePasses, needsOf } from './work.ts';

export interface EvidenceNeeds {
  /** All of one way to weigh tokens: they share a pass. */
  readonly recipes: readonly Recipe[];
}

export interface FitPlan {
  /** Null: on the teacher's inputs alone. */
  readonly composed: ComposedInputs | null;
  readonly options: FitOptions;
  readonly orderOf: (block: number) => Int32Array;
  /** Of every block; the k-th widths of all blocks are one model. */
  readonly widths: readonly (readonly number[])[];
}

/** Everything that recipes of one way to weigh tokens may know of a fold. No labels in it. */
export interface FoldEvidence {
  readonly model: TeacherTensors;
  /** The fold's calibration images, as the pipeline divides them. */
  readonly images: ImageSplit<SplitItem>;
  readonly batchesOf: (items: readonly SplitItem[], batchSize: number) => AsyncIterable<TensorBatch>;
  /** Of every block. */
  readonly teacher: readonly FfnWeights[];
  readonly evidence: readonly BlockEvidence[];
  /** Every block in turn, cut to its widths and fitted as a run's jobs do it; on composed inputs, as many widths in every block. */
  fit(plan: FitPlan): AsyncIterable<Pick<FittedBlock, 'block' | 'levels'>>;
}

/**
 * The pipeline's passes over a fold's calibration images, held out and ordered as it does: class shares where tokens are
 * weighted, then the evidence.
 */
export async function openEvidence(
  { loaded: { config }, architecture, teacher: host, images }: QualityData,
  model: TeacherTensors,
  items: readonly SplitItem[],
  needs: EvidenceNeeds,
  onImages: (count: number) => void,
): Promise<FoldEvidence> {
  const { depth, gelu } = architecture;
  const blocks = Array.from({ length: depth }, (_, block) => block);
  const calibration = calibrationOf(config);
  const sampled = sampledTokens(calibration, architecture, 0);
  const { batchSize } = config.statistics;
  const split = calibrationImages(calibration, items);
  const asked = needsOf(needs.recipes);

  let shares: number[] | null = null;
  if (needs.recipes.some((recipe) => recipe.tokenWeights === 'gradient')) {
    const some = images.tensorBatches(split.training.slice(0, shareImages), classShareBatchSize);
    shares = await measureClassShare(model, calibration, some, async (count) => {
      onImages(4 * count);
      await setImmediate();
    });
  }
  const weights = blocks.map((block): TokenWeights =>
    tokenWeights(shares?.[block] ?? null, sampled, prefixTokens(architecture)),
  );
  const evidence = createEvidence({ model, calibration, weights, needs: asked });
  const heldOutInputs = memorySink(depth);
  try {
    await collectEvidence(evidence, {
      training: images.tensorBatches(split.training, batchSize),
      heldOut: images.tensorBatches(split.heldOut, batchSize),
      heldOutInputs,
      async onBatch(count, of) {
        onImages(count * (of === 'heldOut' ? 1 : evidencePasses(asked)));
        await setImmediate();
      },
    });
    const found = evidence.finish();
    const heldOut = blocks.map((block) => heldOutInputs.rowsOf(block));
    const teacher = blocks.map((block) => hostFfn(host, block));
    return {
      model,
      images: split,
      batchesOf: (some, size) => images.tensorBatches(some, size),
      teacher,
      evidence: found,
      async *fit({ composed, options, orderOf, widths: of }) {
        if (composed === null) {
          for (const block of blocks) {
            const fitted = fitOnTeacher({
              teacher: teacher[block]!,
              statistics: found[block]!.statistics,
              units: orderOf(block),
              widths: of[block]!,
              fit: options,
              heldOut: heldOut[block]!,
              sampled,
              weights: weights[block]!,
              gelu,
            });
            yield { block, levels: fitted.levels };
            await setImmediate();
          }
          return;
        }
        const counts = chainImages(
          { images: composed.images, heldOut: calibration.heldOut },
          { training: split.training.length, heldOut: split.heldOut.length },
        );
        const folder = await mkdtemp(join(tmpdir(), 'blockforge-quality-'));
        const store = streamFiles(folder, config.inputs.diskGB * 1e9);
        try {
          yield* fitLevels({
            model,
            levels: of[0]!.length,
            startOf: (block) =>
              of[block]!.map((kept) => ({
                weights: sliceFfn(teacher[block]!, orderOf(block).subarray(0, kept)),
                refit: true,
              })),
            images: {
              training: split.training.slice(0, counts.training),
              heldOut: split.heldOut.slice(0, counts.heldOut),
            },
            batchesOf: (some, size) => images.tensorBatches(some, size),
            calibration,
            weights,
            composedShare: composed.composedShare,
            ridge: options.ridge,
            store,
          });
        } finally {
          await store.remove();
        }
      },
    };
  } finally {
    evidence.dispose();
  }
}

/** Block inputs in memory. */
function memorySink(depth: number) {
  const parts = Array.from({ length: depth }, (): Float32Array[] => []);
  return {
    append(block: number, rows: Float32Array): Promise<void> {
      parts[block]!.push(rows);
      return Promise.resolve();
    },
    rowsOf: (block: number): Float32Array => joined(parts[block]!),
  };
}
