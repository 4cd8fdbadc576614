import { resourceTitles } from '../../compose/amounts.ts';
import { openSpace, type Resource } from '../../compose/space.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import type { BudgetPart, Cell, TablePart } from '../page.ts';
import { chooseFor, teacherOf } from './choose-for.ts';

const shares = [80, 60, 40];

/** A few budgets with what is chosen for them, for pages that run no code and for paper. */
export function budgetTable({ space: data, teacherTop1Percent }: BudgetPart): TablePart {
  const space = openSpace(data);
  const teacher = teacherOf(space);
  const shown: readonly Resource[] = [
    'params',
    'macs',
    'sizeBytes',
    ...(data.latency === null ? [] : ['latencyMs' as const]),
  ];
  return {
    kind: 'table',
    caption: `What is chosen for a few budgets; drops are predicted by ${data.loss.describe}, not measured`,
    columns: [
      { title: 'at most' },
      ...shown.map((name) => ({
        title:
          name === 'latencyMs' && data.latency?.isWhole === false
            ? 'latency of blocks'
            : resourceTitles[name],
        align: 'right' as const,
      })),
      { title: 'predicted drop', align: 'right' },
      { title: `predicted ${space.loss.of}`, align: 'right' },
      { title: 'widths' },
    ],
    rows: shares.map((share) => {
      const answer = chooseFor(space, { params: `${share}%` });
      const title: Cell = { text: `${share} % of the parameters`, value: share };
      if (answer.kind !== 'fits') return [title, { text: 'nothing fits' }];
      const { composition, widths } = answer;
      return [
        title,
        ...shown.map((name): Cell => {
          const value = composition[name] ?? NaN;
          return { text: `${shortAmount(name, value)} (${shareText(value, teacher[name])})`, value };
        }),
        { text: `${composition.predictedDropPp.toFixed(2)} pp`, value: composition.predictedDropPp },
        { text: `${(teacherTop1Percent - composition.predictedDropPp).toFixed(1)} %` },
        { text: widths.join(' ') },
      ];
    }),
  };
}

/** "3.10 M", "12.4 MB", "8.02 ms" */
export function shortAmount(resource: Resource, value: number): string {
  if (resource === 'latencyMs') return `${value.toPrecision(3)} ms`;
  return resource === 'sizeBytes' ? formatBytes(value) : formatCount(value);
}

/** "61.2 %" */
export function shareText(value: number, whole: number | null): string {
  return `${((100 * value) / (whole ?? NaN)).toFixed(1)} %`;
}
