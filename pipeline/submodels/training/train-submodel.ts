import { runTraining } from './run-training.ts';
import type { SubmodelTrainTask, TrainedSubmodel } from './training-task.ts';

export type {
  ClassSubset,
  HeldOutScores,
  OnlineTeacher,
  SubmodelTrainTask,
  TeacherTargets,
  TrainedSubmodel,
  TrainingLook,
} from './training-task.ts';

/**
 * Retrains a sub-model from where it was cut: on the images of its own classes and a balanced draw of others, by what the
 * teacher says of them, asked before or, with `task.teacher`, of the very images that the sub-model sees.
 *
 * Equal tasks give equal weights on one engine and thread count, interrupted or not. On abort it checkpoints and throws
 * `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `data-invalid` where images are missing or do not fit; `config-invalid` where a teacher is needed and not there or
 * its token relations cannot be compared; `not-finite` with the step.
 */
export function trainSubmodel(task: SubmodelTrainTask): Promise<TrainedSubmodel> {
  return runTraining(task);
}
