/**
 * Trains the sub-models of a fleet and the head over them together, on images of all classes (DeViT, IEEE TMC 2024, model ensemble):
 * AdamW with decay on matrices for each, one schedule for all.
 */
import { averagingOf } from '../training/averaging.ts';
import { openTeacher } from '../training/online-teacher.ts';
import { plannedSteps } from '../training/planned-steps.ts';
import { rateAt } from '../training/rate-at.ts';
import { stepsPerEpoch, trainingBatches, type SubmodelBatch } from '../training/training-batches.ts';

import { trainingLoop } from '../training/training-loop.ts';
import { asOneModel, ensembleData } from './as-one-model.ts';
import { beginRun } from './begin-run.ts';
import { conclude } from './conclude.ts';
import { disposeRun, saveRun, type EnsembleRun } from './ensemble-run.ts';
import type { EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';
import { failEnsemble, look } from './look.ts';
import { createStepper, type Stepper } from './stepper.ts';

export type { EnsembleLook, EnsembleMember, EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';

/**
 * Equal tasks give equal weights on one engine and thread count, interrupted or not. On abort it checkpoints and throws
 * `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `config-invalid`, `data-invalid` where images are missing or do not fit; `not-finite` with the step.
 */
export async function trainEnsemble(task: EnsembleTask): Promise<TrainedEnsemble> {
  const { name, settings, signal, checkpointSeconds, onProgress } = task;
  const began = performance.now();
  const one = asOneModel(task);
  const data = ensembleData(one);
  const averaging = averagingOf(settings)?.decay;
  const perEpoch = stepsPerEpoch(data, settings.batchSize);
  const saved = await task.checkpoint.load();
  const teacher = openTeacher(one);
  let run: EnsembleRun | undefined;
  let stepper: Stepper | undefined;
  try {
    run = await beginRun(task, data, saved);
    if (saved === undefined) {
      run.steps = await plannedSteps({ duration: settings.duration, perEpoch, began, signal }, trial);
    }
    const [moving, steps] = [run, (stepper = createStepper(task, data, run))];
    await trainingLoop({
      name: `the training of the ensemble ${name}`,
      run,
      began,
      batches: trainingBatches(one, data, run.step, teacher),
      signal,
      checkpointSeconds,
      onProgress,
      step(batch) {
        const learningRate = rateAt(settings, moving.steps, perEpoch, moving.step);
        return steps.step(moving, batch, { ...settings, learningRate, averaging });
      },
      look: (seconds) => look(task, data, moving, seconds),
      found: () => {
        const last = moving.history.at(-1);
        return last === undefined ? {} : { heldOutTop1: last.top1 };
      },
      save: () => task.checkpoint.save(saveRun(moving)),
      fail: (found, step) => failEnsemble(name, found, step),
    });
    return await conclude(task, data, run);
  } finally {
    teacher?.dispose();
    stepper?.dispose();
    if (run) disposeRun(run);
  }

  async function trial() {
    const run = await beginRun(task, data);
    const stepper = createStepper(task, data, run);
    return {
      batches: trainingBatches(one, data, 0, teacher),
      step: (batch: SubmodelBatch) => stepper.step(run, batch, { ...settings, learningRate: 0, averaging }),
      look: () => look(task, data, run, 0),
      dispose() {
        stepper.dispose();
        disposeRun(run);
      },
    };
  }
}
