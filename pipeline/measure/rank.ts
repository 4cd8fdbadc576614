import { fail } from '../util/failure.ts';
import type { Delta } from './deltas.ts';
import type { BlockCost, Descendant, RankedPart } from './descendant.ts';
import { known } from '../util/known.ts';

/** What a ranking saves; latency by its median. */
export type RankedResource = 'params' | 'macs' | 'latency';

/** What the ranking looks at of a descendant: its cost, and what it does to accuracy averaged over the contexts. */
export interface Candidate extends Pick<Descendant, 'id'>, BlockCost {
  readonly block: number;
  readonly deltas: { readonly average: Pick<Delta, 'top1Pp' | 'klIncrease'> };
}

export interface Ranked extends Pick<Descendant, 'id'>, RankedPart {
  readonly block: number;
  /** Over all blocks, 1 is the best. */
  readonly overallRank: number;
  /** Descendants with the same number here (over all blocks) are not separated by top-1; KL ordered them. */
  readonly tieGroup: number;
  /** Saved, in percent of what all FFN blocks of the teacher cost together. Negative when it costs more. */
  readonly savedPercent: number;
  /** Top-1 points lost per percent saved; a gain counts as no loss. Null when nothing is saved. */
  readonly lossPpPerPercent: number | null;
  /** The first descendant of the block that is no worse in accuracy and no larger in any resource; near latencies are equal. */
  readonly dominatedBy: string | null;
}

/**
 * Orders descendants by top-1 lost per resource saved, within each block and over all of them.
 *
 * A few hundred images rarely separate two mild descendants by top-1, so a difference that the intervals do not
 * support decides nothing: sorted by price, neighbours form a tie group as long as one price lies inside the
 * intervals of all its members (on a line, that is the same as overlapping pairwise), and inside a group KL per
 * resource saved decides. KL uses all class probabilities and has far less noise per image. Hence two descendants
 * whose intervals do not overlap are always ordered by top-1, and with many images KL has no say.
 *
 * Pure and deterministic: the result does not depend on the order of `candidates`; remaining ties go by id.
 *
 * @param teacher the cost of the teacher's own block, by block index
 * @returns in overall order
 * @throws BlockForgeError `not-finite` for a score or cost that is not a number; nothing is dropped silently.
 */
export function rankDescendants(
  candidates: readonly Candidate[],
  teacher: readonly BlockCost[],
  resource: RankedResource,
): Ranked[] {
  for (const candidate of candidates) checkFinite(candidate);
  const total = teacher.reduce((sum, cost) => sum + costOf(cost, resource), 0);
  const priced = candidates.map((candidate) => priceOf(candidate, teacher, total, resource));
  const overall = groupTies(priced).flatMap((group, index) =>
    group.map((item) => ({ item, tieGroup: index + 1 })),
  );
  const inBlock = new Map<string, number>();
  for (const block of new Set(candidates.map((candidate) => candidate.block))) {
    groupTies(priced.filter(({ candidate }) => candidate.block === block))
      .flat()
      .forEach(({ candidate }, index) => inBlock.set(candidate.id, index + 1));
  }
  return overall.map(({ item: { candidate, savedPercent, price }, tieGroup }, index) => {
    const dominatedBy = dominator(candidate, candidates);
    return {
      id: candidate.id,
      block: candidate.block,
      rank: known(inBlock, candidate.id),
      overallRank: index + 1,
      tieGroup,
      savedPercent,
      lossPpPerPercent: Number.isFinite(price) ? price : null,
      dominated: dominatedBy !== null,
      dominatedBy,
    };
  });
}

interface Priced {
  readonly candidate: Candidate;
  readonly savedPercent: number;
  /** Points per percent saved, with the ends of its interval; infinite when nothing is saved. */
  readonly price: number;
  readonly priceLow: number;
  readonly priceHigh: number;
  readonly klPrice: number;
}

function priceOf(
  candidate: Candidate,
  teacher: readonly BlockCost[],
  total: number,
  resource: RankedResource,
): Priced {
  const own = teacher[candidate.block];
  if (own === undefined)
    throw new Error(`${candidate.id}: no cost of the teacher's block ${candidate.block}`);
  const savedPercent = (100 * (costOf(own, resource) - costOf(candidate, resource))) / total;
  const perPercent = (loss: number) => (savedPercent > 0 ? Math.max(0, loss) / savedPercent : Infinity);
  const { top1Pp, klIncrease } = candidate.deltas.average;
  const { mean, low, high } = top1Pp;
  return {
    candidate,
    savedPercent,
    price: perPercent(-mean),
    priceLow: perPercent(-high),
    priceHigh: perPercent(-low),
    klPrice: perPercent(klIncrease),
  };
}

/** Cheapest price first, cut into runs that share a price, each run by KL. */
function groupTies(items: readonly Priced[]): Priced[][] {
  const sorted = [...items].sort((a, b) => compare(a.price, b.price) || byKl(a, b));
  const groups: Priced[][] = [];
  let shared = { low: Infinity, high: -Infinity };
  for (const item of sorted) {
    const low = Math.max(shared.low, item.priceLow);
    const high = Math.min(shared.high, item.priceHigh);
    const group = groups.at(-1);
    if (group !== undefined && low <= high) {
      group.push(item);
      shared = { low, high };
    } else {
      groups.push([item]);
      shared = { low: item.priceLow, high: item.priceHigh };
    }
  }
  return groups.map((group) => group.sort(byKl));
}

function byKl(a: Priced, b: Priced): number {
  return (
    compare(a.klPrice, b.klPrice) ||
    compare(a.price, b.price) ||
    compare(klOf(a.candidate), klOf(b.candidate)) ||
    compare(a.candidate.id, b.candidate.id)
  );
}

/**
 * Accuracy here is top-1 *and* KL, so that noise in top-1 alone never marks a wider descendant as useless. Latencies within
 * each other's spread are equal: which of two equal times is larger is another matter in every run.
 */
function dominator(candidate: Candidate, all: readonly Candidate[]): string | null {
  const better = all
    .filter((other) => other.block === candidate.block && other.id !== candidate.id)
    .filter((other) => {
      const differences = [
        candidate.deltas.average.top1Pp.mean - other.deltas.average.top1Pp.mean,
        klOf(other) - klOf(candidate),
        other.params - candidate.params,
        other.macs - candidate.macs,
        slower(other.latencyMs, candidate.latencyMs),
      ];
      return differences.every((value) => value <= 0) && differences.some((value) => value < 0);
    })
    .map(({ id }) => id)
    .sort(compare);
  return better[0] ?? null;
}

/**
 * Milliseconds, 0 where the ranges p50 +- (p90 - p50) meet. That is the spread of single runs, many times that of their
 * medians, which rounds over all widths share the drift of: what lies outside does so in the next run, too.
 */
function slower(a: Latency, b: Latency): number {
  const spread = Math.max(0, a.p90 - a.p50) + Math.max(0, b.p90 - b.p50);
  const difference = a.p50 - b.p50;
  return Math.abs(difference) <= spread ? 0 : difference;
}

type Latency = BlockCost['latencyMs'];

function costOf(cost: BlockCost, resource: RankedResource): number {
  switch (resource) {
    case 'params':
      return cost.params;
    case 'macs':
      return cost.macs;
    case 'latency':
      return cost.latencyMs.p50;
  }
}

function klOf({ deltas }: Candidate): number {
  return deltas.average.klIncrease;
}

function checkFinite({
  id,
  params,
  macs,
  latencyMs: { p50: latencyMs, p90 },
  deltas: { average },
}: Candidate): void {
  const { top1Pp, klIncrease: kl } = average;
  for (const [name, value] of Object.entries({ params, macs, latencyMs, p90, ...top1Pp, kl })) {
    if (Number.isFinite(value)) continue;
    fail({
      reason: 'not-finite',
      subject: `descendant ${id}`,
      found: `${name} is ${value}`,
      expected: 'measured numbers; a descendant without them cannot be ranked',
      next: 'give the same command again with --from distill',
    });
  }
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
