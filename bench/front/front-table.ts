import type { Interval } from '../../pipeline/measure/interval.ts';
import { formatBytes, formatCount } from '../../pipeline/util/format.ts';
import type { FrontCosts } from './front-costs.ts';
import type { FrontLatency } from './front-latency.ts';
import type { PolishedStart } from './polish-starts.ts';
import type { ScoredTop1 } from './score-summary.ts';

export interface FrontRow extends ScoredTop1 {
  readonly way: string;
  readonly what: string;
  /** Share of the teacher's multiply-adds that the row had to stay within; null: none. */
  readonly budget: number | null;
  readonly costs: FrontCosts;
  readonly latency: FrontLatency;
  /** Minus the teacher, on the same images; null: of itself. */
  readonly differencePp: Interval | null;
  /** To make the model out of what all rows share. */
  readonly seconds: number;
}

const header = [
  'what is smaller',
  'MACs',
  'parameters',
  'activations',
  'latency, ms (of the teacher)',
  'top-1 %',
  'minus teacher, points',
  'KL, nats',
];

/** Markdown: the teacher, then a section for each budget, what diverges least first. */
export function frontTable(teacher: FrontRow, rows: readonly FrontRow[]): string {
  const budgets = [...new Set(rows.map(({ budget }) => budget))];
  const sections = budgets.map((budget) => {
    const some = rows.filter((row) => row.budget === budget);
    const sorted = [...some].sort((a, b) => a.kl.mean - b.kl.mean);
    const title =
      budget === null ? 'One side of the attention alone' : `At most ${percent(budget)} of the multiply-adds`;
    return [`### ${title}`, '', ...table([teacher, ...sorted], teacher)].join('\n');
  });
  return sections.join('\n\n');
}

function table(rows: readonly FrontRow[], teacher: FrontRow): string[] {
  return [
    `| ${header.join(' | ')} |`,
    `| ${header.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${cells(row, teacher).join(' | ')} |`),
  ];
}

function cells(
  { way, what, costs, latency, top1Percent, differencePp, kl }: FrontRow,
  teacher: FrontRow,
): string[] {
  const of = (part: keyof FrontCosts, text: (value: number) => string): string =>
    `${text(costs[part])} (${percent(costs[part] / teacher.costs[part])})`;
  return [
    what === '' ? way : `${way}: ${what}`,
    of('macs', formatCount),
    of('params', formatCount),
    of('peakBytes', formatBytes),
    `${latency.milliseconds.toFixed(1)} (${latency.ofTeacher.toFixed(2)})`,
    interval(top1Percent, 1),
    differencePp === null ? '-' : interval(differencePp, 1, true),
    differencePp === null ? '-' : divergence(kl),
  ];
}

/** What end-to-end distillation makes of each start. */
export function polishTable(starts: readonly PolishedStart[], minutes: number): string {
  const columns = [
    'units',
    'start',
    'fit, s',
    'steps',
    'training, s',
    'top-1 % before',
    'KL before',
    'top-1 % after',
    'KL after',
    `minus ${starts[0]?.start ?? 'the first'}, points`,
  ];
  return [
    `### ${minutes} minutes of end-to-end distillation, fit included`,
    '',
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...starts.map(({ width, start, fitSeconds, steps, trainingSeconds, before, after, differencePp }) => {
      const cells = [
        width,
        start,
        fitSeconds.toFixed(0),
        steps,
        trainingSeconds.toFixed(0),
        ...[before, after].flatMap(({ top1Percent, kl }) => [interval(top1Percent, 1), divergence(kl)]),
        differencePp === null ? '-' : interval(differencePp, 1, true),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

function divergence(kl: Interval): string {
  return interval(kl, kl.mean < 0.1 ? 4 : 2);
}

function interval({ mean, low, high }: Interval, digits: number, signed = false): string {
  const text = (value: number): string => `${signed && value >= 0 ? '+' : ''}${value.toFixed(digits)}`;
  return `${text(mean)} [${text(low)}, ${text(high)}]`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
