import { paretoFront } from '../allocate/allocate.ts';
import type { Library } from '../library/open.ts';
import type { LatencyModel } from './latency.ts';
import type { Limits } from './choose.ts';
import { composeSpace, type Plan, type Resource } from './space.ts';

/** Times are added up in whole nanoseconds, so that equal sums are equal. */
const nanoseconds = 1e6;

/**
 * Every composition that no other one beats in both predicted loss and one resource, the leanest first: each answers
 * `planCompositions` for all limits from its own use up to that of the next.
 *
 * @param limits of that resource and of the loss; others are not looked at
 */
export function composeFront(
  library: Pick<Library, 'manifest'>,
  by: Resource,
  { limits = {}, device }: { readonly limits?: Limits; readonly device?: LatencyModel } = {},
): Plan[] {
  const { blocks, toPlan } = composeSpace(library, device);
  const unit = by === 'latencyMs' ? nanoseconds : 1;
  const front = paretoFront(
    blocks.map((items) => items.map(({ uses, cost }) => ({ cost, resource: Math.round(unit * uses[by]) }))),
  );
  return front
    .map(({ choice }) => toPlan(choice))
    .filter((plan) => plan[by]! <= (limits[by] ?? Infinity))
    .filter(({ predictedDropPp }) => predictedDropPp <= (limits.maxDropPp ?? Infinity));
}

/** RFC 4180, one line per composition: widths and ids by block, separated by spaces. */
export function frontCsv(library: Pick<Library, 'manifest'>, front: readonly Plan[]): string {
  const widths = new Map(
    library.manifest.blocks.flatMap(({ descendants }) => descendants.map(({ id, width }) => [id, width])),
  );
  const rows = front.map(({ descendants, predictedDropPp, params, macs, sizeBytes, latencyMs }) => [
    predictedDropPp,
    params,
    macs,
    sizeBytes,
    latencyMs ?? '',
    descendants.map((id) => widths.get(id)).join(' '),
    descendants.join(' '),
  ]);
  return [['predictedDropPp', 'params', 'macs', 'sizeBytes', 'latencyMs', 'widths', 'descendants'], ...rows]
    .map((row) => `${row.join(',')}\r\n`)
    .join('');
}
