import type { SubmodelTrainTask, TrainedSubmodel } from './training-task.ts';

export type {
  ClassSubset,
  HeldOutScores,
  SubmodelTrainTask,
  TeacherTargets,
  TrainedSubmodel,
  TrainingLook,
  TrainingProgress,
} from './training-task.ts';

export function trainSubmodel(task: SubmodelTrainTask): Promise<TrainedSubmodel> {
  return Promise.reject(new Error(`not made yet: ${task.name}`));
}
