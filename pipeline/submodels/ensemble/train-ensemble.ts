import type { EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';

export type { EnsembleLook, EnsembleMember, EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';

/**
 * Trains the sub-models of a fleet and the head over them together on all images (DeViT, IEEE TMC 2024, model ensemble). Equal
 * tasks give equal weights on one engine and thread count, interrupted or not. On abort it checkpoints and throws
 * `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `data-invalid` where images are missing or do not fit; `not-finite` with the step.
 */
export function trainEnsemble(_task: EnsembleTask): Promise<TrainedEnsemble> {
  throw new Error('not yet');
}
