import type { TensorBatch } from '../../datasets/batches.ts';
import { allocate } from '../../pipeline/allocate/allocate.ts';
import { summariseScores } from '../../pipeline/measure/scores.ts';
import { sweep } from '../../pipeline/measure/sweep.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import { known } from '../../pipeline/util/known.ts';

export interface MeasuredWidthsInput {
  readonly model: TeacherTensors;
  /** Calibration images; their labels are replaced by zeros before anything sees them. */
  readonly batches: AsyncIterable<TensorBatch>;
  /** [depth][any]: the block's descendants to choose from, the teacher's own block among them. */
  readonly candidates: readonly (readonly FfnWeights[])[];
  /** Hidden units of all blocks together, one per model wanted. */
  readonly budgets: readonly number[];
  readonly onImages: (count: number) => void;
}

/**
 * For every budget the widths with the smallest sum of single-block divergences, KL(teacher || teacher with that one
 * block exchanged), at no more hidden units: exact, by `allocate`. Assumes that blocks do not interact.
 * Not the pipeline's `allocateWidths`: that chooses among the uniform widths alone, from contexts that it has measured on
 * labelled images, at parameters; here widths lie closer, and only calibration images may be looked at.
 */
export async function measuredWidths(input: MeasuredWidthsInput): Promise<number[][]> {
  const { model, candidates, budgets } = input;
  const { hidden } = model.architecture;
  const descendants = candidates.flatMap((block, index) =>
    block
      .filter((weights) => weights.hidden < hidden)
      .map((weights) => ({ id: `${index}/${weights.hidden}`, block: index, ffn: uploadFfn(weights) })),
  );
  try {
    let images = 0;
    const { models } = await sweep({
      model,
      batches: withoutLabels(input.batches, (count) => (images += count)),
      descendants,
      models: [],
      onProgress: () => {
        input.onImages(images);
        images = 0;
      },
    });
    const choices = candidates.map((block, index) =>
      block.map((weights) => ({
        // The teacher's own block costs nothing.
        cost: weights.hidden === hidden ? 0 : summariseScores(known(models, `${index}/${weights.hidden}`)).kl,
        resource: weights.hidden,
      })),
    );
    return budgets.map((budget) => {
      const found = allocate(choices, budget);
      if (found === null) throw new Error(`no widths within ${budget} hidden units`);
      return found.choice.map((choice, index) => candidates[index]![choice]!.hidden);
    });
  } finally {
    descendants.forEach(({ ffn }) => disposeFfn(ffn));
  }
}

async function* withoutLabels(
  batches: AsyncIterable<TensorBatch>,
  onBatch: (images: number) => void,
): AsyncGenerator<TensorBatch> {
  for await (const batch of batches) {
    onBatch(batch.labels.length);
    yield { ...batch, labels: new Int32Array(batch.labels.length) };
  }
}
