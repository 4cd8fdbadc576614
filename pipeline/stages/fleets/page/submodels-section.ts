import type { Interval } from '../../../measure/interval.ts';
import { barsChart, type ChartBar } from '../../../report/charts/bars.ts';
import type { MarkKind } from '../../../report/charts/kinds.ts';
import type { ChartPart, Part, Section, TablePart } from '../../../report/page.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import type { DevitReport, FleetReport, SubmodelReport } from '../report-file.ts';
import type { Told } from './told.ts';
import { listed, numberCell, percentCell, percentText, pointsCell, pointsText } from './words.ts';

/** More bars than this are no picture. */
const mostBars = 20;

const bars = [
  ['teacher', (one: SubmodelReport) => one.teacherPercent],
  ['before training', (one: SubmodelReport) => one.start.top1Percent],
  ['retrained', (one: SubmodelReport) => one.trained.top1Percent],
] as const;

const looks: readonly MarkKind[] = [
  { name: 'teacher', label: 'teacher', colour: 'var(--c8)', shape: 'circle' },
  { name: 'before training', label: 'before', colour: 'var(--c2)', shape: 'square' },
  { name: 'retrained', label: 'retrained', colour: 'var(--c6)', shape: 'diamond' },
];

/** Sub-models as they were cut and as they were retrained. */
export function submodelsSection(told: Told): Section | undefined {
  const { fleets } = told.run.report;
  if (fleets.length === 0) return undefined;
  const single = fleets.some(({ submodels }) => submodels.some(({ classes }) => classes.length === 1));
  return {
    id: 'submodels',
    title: 'Sub-models, before and after training',
    lead:
      'Each on the test images of its own classes, answered among these, beside the teacher asked the same easier question. A fusion cannot know which sub-model that is.' +
      (single
        ? ' A sub-model of a single class cannot be wrong alone: there only the fusion says anything.'
        : ''),
    parts: fleets.flatMap((fleet): Part[] => [
      ...(fleet.submodels.length <= mostBars ? [submodelChart(told, fleet)] : []),
      submodelTable(told, fleet),
      ...(fleet.devit === undefined ? [] : [togetherTable(told, fleet, fleet.devit)]),
    ]),
  };
}

function submodelChart(told: Told, fleet: FleetReport): ChartPart {
  const shown = fleet.submodels.flatMap((one) =>
    bars.map(([kind, of]): ChartBar => {
      const { mean, low, high } = of(one);
      return {
        label: one.name,
        kind,
        value: mean,
        low,
        high,
        says: `${one.name}, ${kind}: ${percentText(of(one))} of ${one.trained.images} images of ${listed(one.classes.map(told.classOf), 6)}`,
      };
    }),
  );
  const { alone } = fleet;
  return barsChart({
    title: `${told.prefix(fleet)}Right of the images of their own classes`,
    alternative:
      `All images, each by the sub-model of its class: teacher ${percentText(alone.teacherPercent)}, before training ` +
      `${percentText(alone.start.top1Percent)}, retrained ${percentText(alone.trained.top1Percent)}, ${pointsText(alone.trained.againstPp)} against the teacher.`,
    bars: shown,
    x: { title: 'own test images right, %' },
    y: 'sub-model',
    kinds: looks,
  });
}

function submodelTable(told: Told, fleet: FleetReport): TablePart {
  const { submodels, alone } = fleet;
  const none = { text: '' };
  const borrowed = submodels.some(({ origin }) => origin !== undefined);
  const taught = submodels.some(({ teach }) => teach !== undefined);
  const teach = ({ teach: own }: Pick<SubmodelReport, 'teach'>) => {
    if (!taught) return [];
    const share = (value: number) => (100 * value).toFixed(1);
    const text = own && `${share(own.selection.restricted)} %, ${share(own.selection.tuned)} %`;
    return [{ text: text ?? '', value: own?.selection.tuned ?? 0 }];
  };
  const row = (
    [name, origin]: readonly [string, string],
    one: Pick<SubmodelReport, 'teacherPercent' | 'start' | 'trained' | 'trainMinutes' | 'teach'>,
    cost?: SubmodelReport,
  ) => [
    { text: name },
    ...(borrowed ? [{ text: origin }] : []),
    numberCell(one.trained.images),
    percentCell(one.teacherPercent),
    ...teach(one),
    percentCell(one.start.top1Percent),
    percentCell(one.trained.top1Percent),
    pointsCell(one.trained.againstPp),
    cost === undefined ? none : numberCell(cost.sizeBytes, formatBytes(cost.sizeBytes)),
    cost === undefined ? none : numberCell(cost.macs, formatCount(cost.macs)),
    numberCell(one.trainMinutes, `${one.trainMinutes.toFixed(1)} min`),
  ];
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}Sub-models on the images of their own classes`,
    interactive: true,
    columns: [
      { title: 'sub-model' },
      ...(borrowed ? [{ title: 'started from' }] : []),
      { title: 'images', align: 'right' },
      { title: 'teacher', align: 'right' },
      ...(taught
        ? [
            {
              title: 'own teacher',
              align: 'right' as const,
              about:
                'Right of the selection images of its classes: the restricted teacher, and the one fine-tuned for it.',
            },
          ]
        : []),
      { title: 'before training', align: 'right' },
      { title: 'retrained', align: 'right' },
      { title: 'against the teacher', align: 'right', about: 'Paired. Grey: the interval holds zero.' },
      { title: 'size', align: 'right' },
      { title: 'multiply-adds', align: 'right' },
      { title: 'training', align: 'right' },
    ],
    rows: [
      ...submodels.map((one) => row([one.name, one.origin ?? 'the teacher, cut'], one, one)),
      row(['all, each image by the sub-model of its class', ''], {
        ...alone,
        trainMinutes: fleet.trainMinutes,
      }),
    ],
  };
}

/** The ensemble beside each of its sub-models. */
function togetherTable(told: Told, fleet: FleetReport, { together }: DevitReport): TablePart {
  const row = (name: string, alone: Interval, fused: { top1Percent: Interval; againstPp: Interval }) => [
    { text: name },
    percentCell(alone),
    percentCell(fused.top1Percent),
    pointsCell(fused.againstPp),
  ];
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}The fused sub-models against each of them: the images of its classes, answered among these`,
    interactive: true,
    columns: [
      { title: 'sub-model' },
      { title: 'alone', align: 'right' },
      { title: 'fused', align: 'right' },
      { title: 'fused over alone', align: 'right', about: 'Paired. Grey: the interval holds zero.' },
    ],
    rows: [
      ...together.submodels.map(({ name, alonePercent, fused }) => row(name, alonePercent, fused)),
      row('mean of them', together.mean.alonePercent, together.mean.fused),
    ],
  };
}
