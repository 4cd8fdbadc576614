/** What decides which parts of a model are kept; the first is the default. */
export const sliceCriterionNames = ['reconstruction', 'kl', 'fisher', 'magnitude'] as const;
export type SliceCriterion = (typeof sliceCriterionNames)[number];
