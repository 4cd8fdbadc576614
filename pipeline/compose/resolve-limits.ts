import { fail } from '../util/failure.ts';
import { limitOptions, type GivenLimit, type LimitOption } from './limits.ts';
import type { Composition, Limits, Resource } from './space.ts';

export const resourceOf: Readonly<Record<LimitOption, Resource>> = {
  params: 'params',
  macs: 'macs',
  size: 'sizeBytes',
  latency: 'latencyMs',
};

/** As asked for, by the names that `compose` has for them. */
export interface AskedLimits {
  readonly limits: Partial<Readonly<Record<LimitOption, GivenLimit>>>;
  readonly maxDropPp?: number | undefined;
}

/** Shares become amounts of the teacher's; counts are whole. @throws BlockForgeError `usage` for less than one of a count */
export function resolveLimits({ limits, maxDropPp }: AskedLimits, teacher: Composition): Limits {
  const amounts: Partial<Record<Resource, number>> = {};
  for (const option of limitOptions) {
    const given = limits[option];
    if (given === undefined) continue;
    const name = resourceOf[option];
    const amount = 'amount' in given ? given.amount : given.share * teacher[name]!;
    // 60 % of a count may be a count that rounding puts just below itself.
    amounts[name] = name === 'latencyMs' ? amount : Math.floor(amount * (1 + 1e-12));
    if (amounts[name] === 0)
      fail({ reason: 'usage', subject: `--${option}`, found: `${amount}`, expected: 'one or more' });
  }
  return { ...amounts, maxDropPp };
}
