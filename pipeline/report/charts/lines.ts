import type { ChartPart } from '../page.ts';
import { channelOf, type NumberAxis } from './axis.ts';
import { kindChannels } from './kind-channels.ts';
import { kindsOf, type MarkKind } from './kinds.ts';
import type { ChartWords } from './points.ts';

export interface ChartLine {
  /** Of `kinds`: its colour. Several lines may be of one kind. */
  readonly kind: string;
  /** What it says when pointed at. */
  readonly says: string;
  /** Small charts beside each other, one per panel, where lines have them. */
  readonly panel?: string | undefined;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LinesChart extends ChartWords {
  readonly lines: readonly ChartLine[];
  readonly x: NumberAxis;
  readonly y: NumberAxis;
  /** Default: the page's colours in turn. */
  readonly kinds?: readonly MarkKind[] | undefined;
}

/** Lines over steps, e.g. losses while training. */
export function linesChart({ title, alternative, numbers, lines, x, y, kinds }: LinesChart): ChartPart {
  const values = lines.flatMap(({ kind, says, panel, points }, line) =>
    points.map((point) => ({ ...point, line, kind, says, panel: panel ?? '' })),
  );
  const names = [...new Set(lines.map(({ kind }) => kind))];
  const { colour } = kindChannels(lines, kinds ?? kindsOf(names));
  const drawn = {
    mark: { type: 'line' as const, strokeWidth: 2 },
    encoding: {
      x: channelOf(
        'x',
        x,
        values.map((point) => point.x),
      ),
      y: channelOf(
        'y',
        y,
        values.map((point) => point.y),
      ),
      color: colour,
      detail: { field: 'line', type: 'nominal' as const },
      description: { field: 'says' },
    },
  };
  const panels = [...new Set(lines.map(({ panel }) => panel ?? ''))];
  return {
    kind: 'chart',
    title,
    alternative,
    numbers,
    spec:
      panels.length < 2
        ? { data: { values }, ...drawn }
        : {
            data: { values },
            facet: { field: 'panel', type: 'nominal', title: null, sort: panels },
            spec: drawn,
          },
  };
}
