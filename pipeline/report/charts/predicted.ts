import type { ChartPart } from '../page.ts';
import type { NumberAxis } from './axis.ts';
import type { MarkKind } from './kinds.ts';
import { pointsChart, type ChartWords } from './points.ts';

export interface PredictedChart extends ChartWords {
  readonly points: readonly {
    readonly predicted: number;
    readonly measured: number;
    /** The interval of what was measured. */
    readonly low?: number | undefined;
    readonly high?: number | undefined;
    readonly kind: string;
    readonly says: string;
  }[];
  /** Of both axes, e.g. "drop in points of top-1": "predicted" and "measured" are put before it. */
  readonly of: string;
  readonly format?: NumberAxis['format'];
  readonly kinds?: readonly MarkKind[] | undefined;
}

/** Measured against predicted, with the line where both are the same. */
export function predictedChart({
  title,
  alternative,
  numbers,
  points,
  of,
  format,
  kinds,
}: PredictedChart): ChartPart {
  const all = points.flatMap(({ predicted, measured }) => [predicted, measured]);
  const ends = points.length === 0 ? [0, 1] : [Math.min(...all), Math.max(...all)];
  return pointsChart({
    title,
    alternative,
    numbers,
    kinds,
    points: points.map(({ predicted, measured, low, high, kind, says }) => ({
      x: predicted,
      y: measured,
      yLow: low,
      yHigh: high,
      kind,
      says,
    })),
    x: { title: `predicted ${of}`, format },
    y: { title: `measured ${of}`, format },
    front: ends.map((end) => ({ x: end, y: end })),
  });
}
