import type { ChartPart } from '../page.ts';
import { channelOf, type NumberAxis } from './axis.ts';
import { kindChannels } from './kind-channels.ts';
import { kindsOf, type MarkKind } from './kinds.ts';
import type { ChartWords } from './points.ts';

export interface ChartBar {
  readonly label: string;
  readonly value: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Of `kinds`; bars of one label stand below each other. */
  readonly kind: string;
  readonly says: string;
}

export interface BarsChart extends ChartWords {
  readonly bars: readonly ChartBar[];
  /** Of the values; they lie on the horizontal axis, which begins at 0. */
  readonly x: NumberAxis;
  /** What the labels are, e.g. "block". */
  readonly y: string;
  readonly kinds?: readonly MarkKind[] | undefined;
}

/** Horizontal bars with intervals, a row per label in the order they come. */
export function barsChart({ title, alternative, numbers, bars, x, y, kinds }: BarsChart): ChartPart {
  const names = [...new Set(bars.map(({ kind }) => kind))];
  const { colour } = kindChannels(bars, kinds ?? kindsOf(names));
  const withInterval = bars.filter(({ low, high }) => low !== undefined && high !== undefined);
  const offset = names.length > 1 ? { yOffset: { field: 'kind', sort: names } } : {};
  return {
    kind: 'chart',
    title,
    alternative,
    numbers,
    spec: {
      data: { values: [...bars] },
      height: { step: names.length > 1 ? 12 : 22 },
      encoding: { y: { field: 'label', type: 'nominal', title: y, sort: null }, ...offset },
      layer: [
        {
          mark: { type: 'bar' },
          encoding: {
            x: channelOf('value', { ...x, zero: true }),
            color: colour,
            description: { field: 'says' },
          },
        },
        ...(withInterval.length === 0
          ? []
          : [
              {
                data: { values: withInterval },
                mark: { type: 'rule' as const, aria: false, stroke: 'var(--ink)', strokeWidth: 1.5 },
                encoding: { x: channelOf('low', { ...x, zero: true }), x2: { field: 'high' } },
              },
            ]),
      ],
    },
  };
}
