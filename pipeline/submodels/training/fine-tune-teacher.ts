import type { Architecture } from '../../model/architecture.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import { runTraining } from './run-training.ts';
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
 *
 * @throws Error where the settings give weight to anything but the labels: there is nobody to ask
 */
export function fineTuneTeacher(task: TeacherTuningTask): Promise<TrainedSubmodel> {
  const { labels, relations, ...others } = task.settings.weights;
  const asks = Object.entries({ ...others, ...relations }).filter(([, weight]) => weight > 0);
  if (asks.length > 0 || labels === 0) {
    throw new Error(
      `${task.name}: a teacher is tuned by labels alone, found ${asks.map(([name]) => name).join()}`,
    );
  }
  return runTraining({ ...task, restricts: true });
}
