import type * as tf from '@tensorflow/tfjs-core';
import { stepsWithin } from '../../distill/rate.ts';
import type { TrainingSettings } from './schema.ts';

/** A run that is forgotten: what tells how long a step takes. */
export interface Trial<Batch> {
  readonly batches: AsyncGenerator<Batch, void>;
  /** As that of the training, at rate 0. Takes over the batch. */
  step(batch: Batch): tf.Scalar;
  look(): Promise<void>;
  dispose(): void;
}

export interface StepsTask {
  readonly duration: TrainingSettings['duration'];
  readonly perEpoch: number;
  /** When the sitting began, by `performance.now()`. */
  readonly began: number;
  readonly signal: AbortSignal;
}

/** Steps that the settings ask for. Minutes become steps by a few steps and a look of a trial. */
export async function plannedSteps<Batch>(
  { duration, perEpoch, began, signal }: StepsTask,
  begin: () => Promise<Trial<Batch>>,
): Promise<number> {
  if ('steps' in duration) return duration.steps;
  if ('epochs' in duration) return Math.max(1, Math.round(duration.epochs * perEpoch));
  const trial = await begin();
  try {
    const step = async (): Promise<void> => {
      signal.throwIfAborted();
      const { value: batch } = await trial.batches.next();
      if (batch === undefined) throw new Error('batches end before the steps do');
      const loss = trial.step(batch);
      // Waits for the engine: a GPU would otherwise still be at work when the clock is read.
      loss.dataSync();
      loss.dispose();
    };
    return await stepsWithin(60 * duration.minutes, began, step, () => trial.look());
  } finally {
    await trial.batches.return();
    trial.dispose();
  }
}
