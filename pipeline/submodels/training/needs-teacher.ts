import type { TrainingSettings } from './schema.ts';

// Apart from what computes, as planning asks here and loads no engine.

export const relationNames = ['q', 'k', 'v'] as const;
export type RelationName = (typeof relationNames)[number];

/** Whether a sub-model cannot learn from what the teacher said of the images as they are. */
export function needsTeacher({ weights, augment }: Pick<TrainingSettings, 'weights' | 'augment'>): boolean {
  if (relationsOf(weights).length > 0) return true;
  const isAsked = weights.logits > 0 || weights.hard > 0 || weights.features > 0;
  return isAsked && changesImages(augment);
}

/** Which relations have a weight. */
export function relationsOf({ relations }: TrainingSettings['weights']): readonly RelationName[] {
  return relationNames.filter((name) => relations[name] > 0);
}

/** Whether images become others than the teacher was asked about; not so by a mirror or a few pixels. */
export function changesImages({
  mixup,
  cutmix,
  randAugment,
  colourJitter,
  erase,
}: TrainingSettings['augment']): boolean {
  return mixup > 0 || cutmix > 0 || randAugment !== null || colourJitter > 0 || erase.probability > 0;
}
