import { modelKinds, type MarkKind } from '../../../report/charts/kinds.ts';
import { pointsChart, type ChartPoint } from '../../../report/charts/points.ts';
import type { Cell, ChartPart, Section, TablePart } from '../../../report/page.ts';
import type { Interval } from '../../../measure/interval.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { ratio } from '../report-cells.ts';
import type { Cost, FleetReport } from '../report-file.ts';
import { overSmall } from './headline.ts';
import { smallLabel, totalCost, type Told } from './told.ts';
import { countText, listed, numberCell, percentCell, percentText, pointsCell } from './words.ts';

const kinds: readonly MarkKind[] = [
  ...modelKinds.map((kind) => (kind.name === 'small' ? { ...kind, label: 'small' } : kind)),
  { name: 'lost', label: 'device lost', colour: 'var(--c2)', shape: 'cross' },
];

/** Accuracy against what has to be carried: the teacher, the fleets, and single small models. */
export function resultSection(told: Told): Section | undefined {
  const { report } = told.run;
  if (report.fleets.length === 0) return undefined;
  return {
    id: 'result',
    title: 'Accuracy against cost',
    lead:
      `${countText(report.images)} test images, which chose nothing; bars are ${told.confidence} intervals. ` +
      'A fleet spreads its cost over devices: first by what the largest of them carries, then by what all carry together, where a single small model of that cost is the fair rival.',
    parts: [chartOf(told, 'largest'), chartOf(told, 'together'), resultTable(told)],
  };
}

interface Shown {
  readonly kind: string;
  readonly name: string;
  readonly cost: Cost;
  readonly top1Percent: Interval;
}

function chartOf(told: Told, by: 'largest' | 'together'): ChartPart {
  const { report } = told.run;
  const shown = [
    ...teacherShown(told),
    ...report.fleets.flatMap((fleet) => (by === 'largest' ? ofLargest(told, fleet) : ofAll(told, fleet))),
  ];
  const says = ({ name, cost, top1Percent }: Shown) =>
    `${name}: ${percentText(top1Percent, report.images)} at ${formatCount(cost.macs)} multiply-adds`;
  const points = shown.map((one): ChartPoint => ({
    x: one.cost.macs,
    y: one.top1Percent.mean,
    yLow: one.top1Percent.low,
    yHigh: one.top1Percent.high,
    kind: one.kind,
    says: says(one),
  }));
  return pointsChart({
    title: by === 'largest' ? 'By what the largest device carries' : 'By what all devices carry together',
    alternative: `${listed(shown.map(says), 12)}.`,
    points,
    x: {
      title: `multiply-adds, ${by === 'largest' ? 'largest part' : 'all parts'} (log)`,
      log: true,
      format: '~s',
    },
    y: { title: 'test images right, %' },
    kinds,
  });
}

function teacherShown({ run: { report } }: Told): Shown[] {
  const { restrictedPercent, ...cost } = report.teacher;
  if (restrictedPercent === null) return [];
  return [{ kind: 'teacher', name: 'teacher', cost, top1Percent: restrictedPercent }];
}

function ofLargest(told: Told, fleet: FleetReport): Shown[] {
  return [
    {
      kind: 'fused',
      name: `${fleet.name}, fused`,
      cost: fleet.largest,
      top1Percent: fleet.fused.top1Percent,
    },
    ...smallShown(told, fleet),
  ];
}

function ofAll(told: Told, fleet: FleetReport): Shown[] {
  const { name, fused, lost, devices } = fleet;
  const all = totalCost(fleet);
  const worst = devices.find((device) => device.name === lost?.worst.device);
  const share = (devices.length - 1) / devices.length;
  return [
    { kind: 'fused', name: `${name}, fused`, cost: all, top1Percent: fused.top1Percent },
    ...(lost === undefined
      ? []
      : [
          {
            kind: 'lost',
            name: `${name}, mean of losing each device`,
            cost: { macs: all.macs * share, sizeBytes: all.sizeBytes * share },
            top1Percent: lost.mean.top1Percent,
          },
        ]),
    ...(lost === undefined || worst === undefined
      ? []
      : [
          {
            kind: 'lost',
            name: `${name} without ${worst.name}, the worst to lose`,
            cost: { macs: all.macs - worst.macs, sizeBytes: all.sizeBytes - worst.sizeBytes },
            top1Percent: lost.worst.top1Percent,
          },
        ]),
    ...smallShown(told, fleet),
  ];
}

function smallShown(told: Told, fleet: FleetReport): Shown[] {
  return fleet.small.map(({ kind, top1Percent, macs, sizeBytes }) => ({
    kind: 'small',
    name: `${told.prefix(fleet)}${smallLabel(kind)}`,
    cost: { macs, sizeBytes },
    top1Percent,
  }));
}

function resultTable(told: Told): TablePart {
  const { teacher, images, fleets } = told.run.report;
  const percent = (interval: Interval) => percentCell(interval, images);
  const points = (interval: Interval) => pointsCell(interval, images);
  const costs = (cost: Cost): Cell[] => [
    numberCell(cost.sizeBytes, formatBytes(cost.sizeBytes)),
    numberCell(cost.macs, formatCount(cost.macs)),
    numberCell(cost.macs / teacher.macs, cost.macs === teacher.macs ? '' : ratio(teacher.macs, cost.macs)),
  ];
  const none: Cell = { text: '' };
  const { restrictedPercent, unrestrictedPercent } = teacher;
  return {
    kind: 'table',
    caption: 'Whole models on the test images',
    columns: [
      { title: 'model' },
      { title: 'right', align: 'right' },
      {
        title: 'against the teacher',
        align: 'right',
        about:
          "Paired, image by image, to the teacher among the data's classes. Grey: the interval holds zero.",
      },
      { title: 'the fleet has over it', align: 'right', about: 'Paired, image by image.' },
      {
        title: 'size, largest part',
        align: 'right',
        about: 'Of what one device carries; of a single model all of it.',
      },
      { title: 'multiply-adds, largest part', align: 'right', about: 'Of an image.' },
      { title: 'of the teacher', align: 'right' },
    ],
    rows: [
      ...(unrestrictedPercent
        ? [
            [
              { text: 'teacher, among all its classes' },
              percent(unrestrictedPercent),
              none,
              none,
              none,
              none,
              none,
            ],
          ]
        : []),
      ...(restrictedPercent
        ? [
            [
              { text: "teacher, among the data's classes" },
              percent(restrictedPercent),
              none,
              none,
              ...costs(teacher),
            ],
          ]
        : []),
      ...fleets.flatMap((fleet) => [
        [
          { text: `${fleet.name}, fused` },
          percent(fleet.fused.top1Percent),
          points(fleet.fused.againstPp),
          none,
          ...costs(fleet.largest),
        ],
        ...overSmall(told, fleet).map(({ small, over }) => [
          { text: `${told.prefix(fleet)}${smallLabel(small.kind)}` },
          percent(small.top1Percent),
          points(small.againstPp),
          over === undefined ? none : points(over),
          ...costs(small),
        ]),
      ]),
    ],
  };
}
