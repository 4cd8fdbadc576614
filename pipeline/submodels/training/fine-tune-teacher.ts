import type { Architecture } from '../../model/architecture.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import type { TrainedSubmodel, SubmodelTrainTask } from './training-task.ts';

/** As for a sub-model, but that nobody else is asked: the loss is the labels'. */
export interface TeacherTuningTask extends Pick<
  SubmodelTrainTask,
  | 'name'
  | 'subset'
  | 'images'
  | 'settings'
  | 'seed'
  | 'signal'
  | 'checkpoint'
  | 'checkpointSeconds'
  | 'onProgress'
> {
  /** The whole teacher: one output per class of the data. */
  readonly architecture: Architecture;
  /** Where it starts; not changed. */
  readonly weights: HostWeights;
}

/**
 * A sub-task teacher (DeViT): the whole teacher, with all of its outputs, fine-tuned through its answers restricted to one class
 * subset (`restrictLogits`). What is chosen by, the held-out images' divergence, is that from their labels. `start` and `best` hold the
 * held-out accuracies before and after; where training does harm, the start is what it gives. Otherwise as `trainSubmodel`.
 */
export function fineTuneTeacher(task: TeacherTuningTask): Promise<TrainedSubmodel> {
  return Promise.reject(new Error(`${task.name}: sub-task teachers are not yet fine-tuned`));
}
