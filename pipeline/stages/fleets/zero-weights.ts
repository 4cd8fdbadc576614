import type { Contradiction } from '../../config/check.ts';

/** What to say of a loss all of whose weights, at `path`, are 0. */
export function zeroWeights(path: Contradiction['path'], otherwise: string): Contradiction {
  return { path, message: `are all 0, so nothing would be learned; give one of them a weight, ${otherwise}` };
}

export function areZero(weights: Readonly<Record<string, number>>): boolean {
  return Object.values(weights).every((weight) => weight === 0);
}
