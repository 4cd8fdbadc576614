/** What was measured of a model's forward pass. */
export interface Pass {
  readonly name: string;
  /** Of a batch. */
  readonly seconds: number;
  /** Multiply-adds of an image. */
  readonly macs: number;
}

export interface FamilyRow extends Pass {
  readonly imagesPerSecond: number;
  readonly flopPerSecond: number;
  /** Seconds over those that the first model would need for as many multiply-adds. */
  readonly ratio: number;
}

/** What every model takes for its arithmetic, beside what the first takes for its own. @param batch images of a pass */
export function compareToFirst(passes: readonly [Pass, ...Pass[]], batch: number): FamilyRow[] {
  const [first] = passes;
  return passes.map((pass) => ({
    ...pass,
    imagesPerSecond: batch / pass.seconds,
    flopPerSecond: (2 * batch * pass.macs) / pass.seconds,
    ratio: pass.seconds / first.seconds / (pass.macs / first.macs),
  }));
}
