/**
 * Every field of the files that come beside weights, and what is made of it: the one place that says so. `docs/teacher-fields.md`
 * prints it, `test/checkpoint/fields.test.ts` tries every row. A field that is in no row is refused by name, because it may
 * change what the model computes or sees; `teacher.hints.ignoreFields` lets a user who knows better pass it over.
 */
export interface FieldTable {
  /** As messages and docs name the place. */
  readonly title: string;
  /** It tells how images are prepared, which `data.preprocessing` may say instead. */
  readonly isOfImages?: boolean;
  /** Read, with what it tells. */
  readonly used: Readonly<Record<string, string>>;
  /** Told by the weights already: must say the same. */
  readonly agrees: Readonly<Record<string, WeightFact>>;
  /** True (or a number above 0) where the weights have such tensors, false, 0 or null where they have none. */
  readonly shown: Readonly<Record<string, RegExp>>;
  /** Has one of these values, or is refused. */
  readonly only: Readonly<Record<string, readonly unknown[]>>;
  /** Changes neither what a classifier computes nor what it sees. */
  readonly harmless: readonly string[];
}

/** What the tensors' shapes tell. `mlpRatio`: hidden units over width; `isClassTokenUnplaced`: the positions have none for it, or, where it is not there, for registers. */
export type WeightFact =
  | 'width'
  | 'depth'
  | 'heads'
  | 'hidden'
  | 'mlpRatio'
  | 'classes'
  | 'channels'
  | 'patchSize'
  | 'window'
  | 'firstWidth'
  | 'depths'
  | 'stageHeads'
  | 'stageCount'
  | 'gated'
  | 'registers'
  | 'isClassTokenUnplaced';
