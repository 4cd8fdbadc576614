import { measureNames } from '../measure/measure-names.ts';
import { predictLossPp, type Curve } from '../measure/predictor.ts';

/** How the loss of a composition follows from its descendants: a sum of costs, and what that sum stands for. */
export interface LossModel {
  /** The library's fitted curve over summed KL, or for want of one the sum of top-1 losses. */
  readonly by: 'predictor' | 'average-sum' | 'teacher-sum';
  /** What the points are of: "top-1", "k-NN top-1". */
  readonly of: string;
  /** Points lost against the teacher, rising with the summed cost. */
  readonly dropPp: (cost: number) => number;
  /** 95 of 100 compositions that are measured on as many images lose no more than this more or less; null where not known. */
  readonly marginPp: (dropPp: number) => number | null;
  /** The largest summed cost whose loss is at most this; -Infinity where none is. */
  readonly costWithin: (dropPp: number) => number;
  /** For people, with the error that the library reports. */
  readonly describe: string;
}

/** The same as JSON: the parameters of the curve, or null where costs are points themselves. */
export interface LossData {
  readonly by: LossModel['by'];
  /** Default: top-1. */
  readonly of?: string | undefined;
  readonly describe: string;
  readonly curve: Curve | null;
  /** Standard deviation of the loss of chosen compositions around it, in units of the root of (points + 1). */
  readonly spread?: number | undefined;
}

export function openLoss({ by, of = measureNames().top1, describe, curve, spread }: LossData): LossModel {
  const marginPp = (dropPp: number) =>
    spread === undefined ? null : 1.96 * spread * Math.sqrt(Math.max(0, dropPp) + 1);
  if (curve === null)
    return { by, of, describe, dropPp: (cost) => cost, marginPp, costWithin: (dropPp) => dropPp };
  const { ceilingPp, scale, exponent } = curve;
  return {
    by,
    of,
    describe,
    marginPp,
    dropPp: (cost) => predictLossPp(curve, cost),
    costWithin(dropPp) {
      if (dropPp < 0) return -Infinity;
      if (dropPp >= ceilingPp) return Infinity;
      return scale * (-Math.log1p(-dropPp / ceilingPp)) ** (1 / exponent);
    },
  };
}
