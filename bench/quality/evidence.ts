import { setImmediate } from 'node:timers/promises';
import type { SplitItem } from '../../datasets/contract.ts';
import type { BlockEvidence } from '../../pipeline/compress/order/criterion.ts';
import { shareImages, tokenWeights, type TokenWeights } from '../../pipeline/compress/token-weights.ts';
import type { TokenReader } from '../../pipeline/distill/token-batches.ts';
import { prefixTokens } from '../../pipeline/model/architecture.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import { composedInputs, teacherInputs, type BlockInputs } from '../../pipeline/recipe/block-inputs.ts';
import {
  calibrationImages,
  calibrationOf,
  chainImages,
  sampledRows,
  sampledTokens,
} from '../../pipeline/recipe/calibration.ts';
import { memoryChainStore, openChain } from '../../pipeline/recipe/chain.ts';
import {
  classShareBatchSize,
  collectEvidence,
  createEvidence,
  measureClassShare,
} from '../../pipeline/recipe/evidence.ts';
import type { ComposedInputs, Recipe } from '../../pipeline/recipe/recipe.ts';
import { joined } from '../../pipeline/util/joined.ts';
import type { QualityData } from './data.ts';
import { evidencePasses, needsOf } from './work.ts';

export interface EvidenceNeeds {
  /** All of one way to weigh tokens: they share a pass. */
  readonly recipes: readonly Recipe[];
  /** Block inputs in memory, to train on: 4 D bytes per sampled token and block. */
  readonly inputs: boolean;
}

/** Everything that recipes of one way to weigh tokens may know of a fold. No labels in it. */
export interface FoldEvidence {
  readonly model: TeacherTensors;
  /** Of every block. */
  readonly teacher: readonly FfnWeights[];
  readonly evidence: readonly BlockEvidence[];
  /**
   * The inputs of every block, to be asked for in turn; composed ones follow models of so many levels.
   * Costs there a forward pass of the calibration images.
   */
  openInputs(composed: ComposedInputs | null, levels: number): Promise<(block: number) => BlockInputs>;
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
  const { depth, width, gelu } = architecture;
  const blocks = Array.from({ length: depth }, (_, block) => block);
  const calibration = calibrationOf(config);
  const sampled = sampledTokens(calibration, architecture);
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
  const trainingInputs = memorySink(depth);
  const heldOutInputs = memorySink(depth);
  try {
    await collectEvidence(evidence, {
      training: images.tensorBatches(split.training, batchSize),
      heldOut: images.tensorBatches(split.heldOut, batchSize),
      trainingInputs: needs.inputs ? trainingInputs : undefined,
      heldOutInputs,
      async onBatch(count, of) {
        onImages(count * (of === 'heldOut' ? 1 : evidencePasses(asked)));
        await setImmediate();
      },
    });
    const found = evidence.finish();
    const inputs = blocks.map((block) => trainingInputs.rowsOf(block));
    const heldOut = blocks.map((block) => heldOutInputs.rowsOf(block));
    const teacher = blocks.map((block) => hostFfn(host, block));
    const common = (block: number) => ({ block, teacher: teacher[block]!, gelu, sampled });
    return {
      model,
      teacher,
      evidence: found,
      async openInputs(composed, levels) {
        if (composed === null) {
          return (block) =>
            teacherInputs({
              ...common(block),
              weights: () => Promise.resolve(weights[block]!),
              evidence: () => Promise.resolve(found[block]!),
              heldOut: () => Promise.resolve(heldOut[block]!),
              openTokens: () => Promise.resolve(readerOf(inputs[block]!, width)),
            });
        }
        const { images: most, composedShare } = composed;
        const counts = chainImages(
          { images: most, heldOut: calibration.heldOut },
          { training: split.training.length, heldOut: split.heldOut.length },
        );
        const chain = await openChain({
          model,
          store: memoryChainStore(),
          levels,
          images: {
            training: split.training.slice(0, counts.training),
            heldOut: split.heldOut.slice(0, counts.heldOut),
          },
          batchesOf: (some, size) => images.tensorBatches(some, size),
          rowsOf: (ids) => sampledRows(calibration, architecture, ids),
          block: 0,
        });
        return (block) =>
          composedInputs({ ...common(block), chain, weights: weights[block]!, composedShare });
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

function readerOf(rows: Float32Array, width: number): TokenReader & { close(): Promise<void> } {
  return {
    width,
    count: rows.length / width,
    read: (start, count) => Promise.resolve(rows.subarray(start * width, (start + count) * width)),
    close: () => Promise.resolve(),
  };
}
