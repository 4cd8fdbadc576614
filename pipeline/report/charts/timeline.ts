import type { ChartPart } from '../page.ts';
import { channelOf, type NumberAxis } from './axis.ts';
import { kindChannels } from './kind-channels.ts';
import { kindsOf, type MarkKind } from './kinds.ts';
import type { ChartWords } from './points.ts';

export interface TimelineChart extends ChartWords {
  readonly spans: readonly {
    /** Its row, e.g. "slot 1", in the order they come. */
    readonly lane: string;
    readonly from: number;
    readonly to: number;
    /** Of `kinds`: its colour, e.g. the stage. */
    readonly kind: string;
    readonly says: string;
  }[];
  /** Of the time, e.g. `{ title: 'seconds' }`. */
  readonly x: NumberAxis;
  readonly kinds?: readonly MarkKind[] | undefined;
}

/** What ran when, a row per lane. */
export function timelineChart({ title, alternative, numbers, spans, x, kinds }: TimelineChart): ChartPart {
  const { colour } = kindChannels(spans, kinds ?? kindsOf([...new Set(spans.map(({ kind }) => kind))]));
  return {
    kind: 'chart',
    title,
    alternative,
    numbers,
    spec: {
      data: { values: [...spans] },
      height: { step: 30 },
      mark: { type: 'bar', stroke: 'var(--paper)', strokeWidth: 1 },
      encoding: {
        x: channelOf('from', { ...x, zero: true }),
        x2: { field: 'to' },
        y: { field: 'lane', type: 'nominal', title: null, sort: null },
        color: colour,
        description: { field: 'says' },
      },
    },
  };
}
