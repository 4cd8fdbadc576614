import type { Random } from '../../pipeline/util/random.ts';

/** About normal with variance 1: the sum of the four bytes of one draw. Millions are needed. */
export function bell(random: Random): number {
  const bits = random.next() * 4294967296;
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / 147.8;
}
