import { downloadWeights } from '../../model/upload.ts';
import { failNotFinite } from '../../tensor/loss-log.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { averagingOf } from './averaging.ts';
import { liftNames } from './lift.ts';
import { predictFeatures } from './predict-features.ts';
import { addScores, noScores, scoresOf } from './submodel-scores.ts';
import { restrictLogits } from './subset-outputs.ts';
import { pixelTensor } from './training-batches.ts';
import type { TrainingData } from './training-data.ts';
import type { SubmodelRun } from './training-run.ts';
import type { HeldOutScores, TrainingTask, TrainingLook } from './training-task.ts';

/**
 * Looks at the held-out images with the weights as they are, and with their running mean where there is one; notes what it
 * finds in the run, which remembers the best weights, or where the mean is to be exported, the best mean. The lower divergence from the teacher is better: it tells apart what
 * a few hundred images' right answers do not.
 */
export async function look(
  task: TrainingTask,
  data: TrainingData,
  run: SubmodelRun,
  seconds: number,
): Promise<void> {
  const { parameters } = run.model;
  const trainingLoss = run.losses.steps === 0 ? null : run.losses.sum / run.losses.steps;
  run.losses = { sum: 0, steps: 0 };
  const own = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => name !== liftNames.kernel && name !== liftNames.bias),
  );
  const candidates: [TrainingLook['of'], Tensors][] = [['weights', own]];
  if (run.average && run.step > 0) candidates.push(['average', run.average]);
  const isMeanAlone = averagingOf(task.settings)?.export === 'average';
  for (const [of, weights] of candidates) {
    const scores = await scoreHeldOut(task, data, weights);
    const found: TrainingLook = { step: run.step, seconds, of, trainingLoss, ...scores };
    if (!Number.isFinite(found.divergence))
      failTraining(task, `the held-out divergence is ${found.divergence}`, run.step);
    run.history.push(found);
    // The start is its own mean.
    if (isMeanAlone && of !== 'average' && run.step > 0) continue;
    if (run.best === undefined || found.divergence < run.best.look.divergence) {
      run.best = { look: found, weights: await downloadWeights(weights, task.architecture) };
    }
  }
}

/** Ends a training in words. */
export function failTraining(
  { name, restricts }: Pick<TrainingTask, 'name' | 'restricts'>,
  found: string,
  step: number,
): never {
  const [key, what] = restricts === true ? ['teach', 'the teacher of '] : ['train', ''];
  const next = `lower ${key}.learningRate or raise ${key}.warmupShare and run again`;
  return failNotFinite(`training of ${what}${name}`, `${found} at step ${step}`, next);
}

async function scoreHeldOut(
  { architecture, images, subset, settings, signal, restricts }: TrainingTask,
  { heldOut, right, plain, outputs }: TrainingData,
  weights: Tensors,
): Promise<HeldOutScores> {
  const sums = noScores();
  const parts = Array.from({ length: Math.ceil(heldOut.length / settings.batchSize) }, (_, part) =>
    heldOut.subarray(part * settings.batchSize, (part + 1) * settings.batchSize),
  );
  async function* batches() {
    for (const places of parts) {
      signal.throwIfAborted();
      yield pixelTensor(await images.read(places), images);
    }
  }
  let part = 0;
  for await (const { logits } of predictFeatures({ architecture, weights }, batches())) {
    const places = Array.from(parts[part++]!);
    const targets = new Float32Array(places.length * outputs);
    places.forEach((place, row) =>
      targets.set(plain.logits.subarray(place * outputs, (place + 1) * outputs), row * outputs),
    );
    addScores(
      sums,
      restricts === true ? restrictLogits(logits, architecture.classes, subset) : logits,
      targets,
      places.map((place) => right[place]!),
      subset,
    );
  }
  return scoresOf(sums);
}
