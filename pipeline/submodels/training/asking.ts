import { relationsOf } from './needs-teacher.ts';
import { relationPlaces, type RelationPlace } from './relation-places.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { ClassSubset, TrainingTask } from './training-task.ts';

/** How a model is asked, beside its weights. A type, not an interface, so that it is JSON. */
export type Asking = {
  readonly architecture: Architecture;
  /** Of a model with an output for every class: the subset that its answers are restricted to. */
  readonly subset?: ClassSubset | undefined;
  /** Where its token relations are taken. */
  readonly place?: RelationPlace | undefined;
};

/** How a training asks the model that it trains. @throws BlockForgeError as `relationPlaces` */
export function askingOf({ name, architecture, subset, restricts, settings, teacher }: TrainingTask): Asking {
  const isCompared = teacher !== undefined && relationsOf(settings.weights).length > 0;
  return {
    architecture,
    ...(restricts === true && { subset }),
    ...(isCompared && { place: relationPlaces(name, teacher.architecture, architecture).own }),
  };
}
