import type { ChartPart } from '../page.ts';
import { channelOf, type NumberAxis } from './axis.ts';
import { kindChannels } from './kind-channels.ts';
import { modelKinds, type MarkKind } from './kinds.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of intervals, in the units of the axis. */
  readonly xLow?: number | undefined;
  readonly xHigh?: number | undefined;
  readonly yLow?: number | undefined;
  readonly yHigh?: number | undefined;
  /** Of `kinds`. */
  readonly kind: string;
  /** What it says when pointed at, with its interval. */
  readonly says: string;
}

/** What every chart has. */
export type ChartWords = Pick<ChartPart, 'title' | 'alternative' | 'numbers'>;

export interface PointsChart extends ChartWords {
  readonly points: readonly ChartPoint[];
  readonly x: NumberAxis;
  readonly y: NumberAxis;
  /** Default: `modelKinds`. The legend names those that points have. */
  readonly kinds?: readonly MarkKind[] | undefined;
  /** A line through the best, e.g. the Pareto front, in the order of x. */
  readonly front?: readonly { readonly x: number; readonly y: number }[] | undefined;
  readonly chosen?: ChartPart['chosen'];
}

/** Points with intervals, e.g. models by what they cost and how often they are right. */
export function pointsChart(chart: PointsChart): ChartPart {
  const { title, alternative, numbers, points, x, y, kinds = modelKinds, front, chosen } = chart;
  const horizontal = points.filter(({ xLow, xHigh }) => xLow !== undefined && xHigh !== undefined);
  const vertical = points.filter(({ yLow, yHigh }) => yLow !== undefined && yHigh !== undefined);
  const encoded = kindChannels(points, kinds);
  const { colour, shape } = encoded;
  return {
    kind: 'chart',
    title,
    alternative,
    numbers,
    chosen,
    spec: {
      data: { values: [...points] },
      encoding: {
        x: channelOf(
          'x',
          x,
          points.map((point) => point.x),
        ),
        y: channelOf(
          'y',
          y,
          points.map((point) => point.y),
        ),
      },
      layer: [
        ...(front === undefined || front.length < 2
          ? []
          : [
              {
                data: { values: [...front] },
                mark: { type: 'line' as const, aria: false, stroke: 'var(--front)', strokeDash: [4, 3] },
              },
            ]),
        ...(vertical.length === 0
          ? []
          : [
              {
                data: { values: vertical },
                mark: { type: 'rule' as const, aria: false, strokeWidth: 1.5, opacity: 0.55 },
                encoding: {
                  y: channelOf('yLow', y),
                  y2: { field: 'yHigh' },
                  color: colour,
                },
              },
            ]),
        ...(horizontal.length === 0
          ? []
          : [
              {
                data: { values: horizontal },
                mark: { type: 'rule' as const, aria: false, strokeWidth: 1.5, opacity: 0.55 },
                encoding: {
                  x: channelOf('xLow', x),
                  x2: { field: 'xHigh' },
                  color: colour,
                },
              },
            ]),
        {
          mark: { type: 'point' as const, filled: true, size: 70, opacity: 1 },
          encoding: { color: colour, shape, description: { field: 'says' } },
        },
      ],
    },
  };
}
