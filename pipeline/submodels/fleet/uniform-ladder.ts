import type { Architecture } from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import { fail } from '../../util/failure.ts';
import { smallestOf, type Ladder, type Level } from './level.ts';
import { memoryBytesOf } from './memory-bytes.ts';
import { uniformArchitecture } from './uniform-architecture.ts';

export interface LadderSettings {
  /** Levels are multiples of 1 / steps of every dimension; default 12. */
  readonly steps?: number | undefined;
  /** At most these shares of the teacher's multiply-adds and bytes. */
  readonly limit: { readonly macs: number; readonly size: number };
}

/**
 * The sizes that a sub-model may have: the largest uniform scaling within the limit, and below it every k / steps. What it
 * costs, not what it looks like: slicing chooses the shape within these costs.
 * @param classes rows of a sub-model's head
 * @throws BlockForgeError `config-invalid` where the limit is below a single unit of everything
 */
export function uniformLadder(
  teacher: Architecture,
  classes: number,
  { steps = 12, limit }: LadderSettings,
): Ladder {
  const whole = modelCosts(teacher);
  const levelAt = (level: number): Level => {
    const architecture = uniformArchitecture(teacher, classes, level);
    const { macs, sizeBytes } = modelCosts(architecture);
    return { level, macs, sizeBytes, memoryBytes: memoryBytesOf(architecture) };
  };
  const isWithin = ({ macs, sizeBytes }: Level): boolean =>
    macs <= limit.macs * whole.macs && sizeBytes <= limit.size * whole.sizeBytes;
  const top = largestWithin(levelAt, isWithin);
  if (top === undefined) {
    const { macs, sizeBytes } = levelAt(0);
    return fail({
      reason: 'config-invalid',
      subject: 'submodel',
      found: `at most ${limit.macs} of the teacher's multiply-adds and ${limit.size} of its bytes`,
      expected: `more than one unit of everything has: ${macs / whole.macs} and ${sizeBytes / whole.sizeBytes}`,
      next: 'raise submodel.macs or submodel.size',
    });
  }
  const ladder = [top];
  for (let k = steps; k > 0; k--) {
    const level = levelAt(k / steps);
    const above = smallestOf(ladder);
    // In a small teacher neighbouring shares round to the same extents.
    const falls = level.macs < above.macs && level.memoryBytes < above.memoryBytes;
    if (falls && level.level < above.level && isWithin(level)) ladder.push(level);
  }
  return ladder;
}

/** The largest share within limits, to 1e-5: costs rise with it. */
function largestWithin(
  levelAt: (level: number) => Level,
  isWithin: (level: Level) => boolean,
): Level | undefined {
  if (isWithin(levelAt(1))) return levelAt(1);
  let found: Level | undefined;
  for (let low = 0, high = 1; high - low > 1e-5;) {
    const middle = levelAt((low + high) / 2);
    if (isWithin(middle)) {
      found = middle;
      low = middle.level;
    } else high = middle.level;
  }
  return found;
}
