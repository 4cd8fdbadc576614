import type { NoComposition } from '../../compose/choose.ts';
import type { Composition, Limits } from '../../compose/space.ts';
import { whyNothingFits } from '../../compose/why-nothing-fits.ts';
import type { Library } from '../../library/open.ts';
import type { LatencyModel } from '../../profile/latency.ts';
import { fail } from '../../util/failure.ts';

interface Asked {
  readonly library: Library;
  readonly limits: Limits;
  readonly latency: LatencyModel;
  readonly teacher: Composition;
  /** What may be lost: "top-1". */
  readonly of: string;
}

/** Says which limits bind and what comes nearest. @throws BlockForgeError `usage` */
export function refuseLimits(none: NoComposition, { library, limits, latency, teacher, of }: Asked): never {
  const { asked, why, ways } = whyNothingFits(none, limits, teacher, of);
  fail({
    reason: 'usage',
    subject: asked,
    found: `nothing in ${library.folder} fits: ${why}`,
    expected:
      limits.latencyMs === undefined
        ? undefined
        : `limits that can be met; latency is of ${latency.describe}`,
    next: ways.length === 0 ? undefined : ways.join('; or '),
  });
}
