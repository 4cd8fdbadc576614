import type { Contradiction } from '../../config/check.ts';

/** What to say of a loss all of whose weights, at `path`, are 0, or those that teach answers. */
export function zeroWeights(path: Contradiction['path'], otherwise: string, which = ''): Contradiction {
  return {
    path,
    message: `${which}are all 0, so nothing would be learned; give one of them a weight, ${otherwise}`,
  };
}

export function areZero(weights: Readonly<Record<string, number>>): boolean {
  return Object.values(weights).every((weight) => weight === 0);
}
