import type { MeasureNames } from '../../../measure/measure-names.ts';
import type { Cell, TableColumn, TablePart } from '../../../report/page.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import type { ReportedModel } from './reported-models.ts';
import type { Told, ToldSplit } from './told.ts';
import { fixed, millisecondsText, percentCell, pointsCell, toneOf } from './words.ts';

/** Every whole model that was measured, as one that readers can sort. */
export function modelTable(told: Told): TablePart {
  const { models, final, selection, test, run, recommended } = told;
  const splits = test === undefined ? [selection] : [test, selection];
  return {
    kind: 'table',
    caption: `Whole models on ${final.words}; percentages in names are hidden units removed${recommended === undefined ? '' : '; ★ recommended'}`,
    // Few are seen at once, many are sorted.
    interactive: models.length > 20,
    columns: [
      { title: 'model' },
      ...columnsOf(splits[0]!, told.names),
      { title: 'parameters', align: 'right' },
      { title: 'multiply-adds', align: 'right', about: 'Of one image through the whole model.' },
      { title: 'size', align: 'right', about: 'Of the float32 weight files.' },
      {
        title: run.latency.isWhole ? 'p50' : 'p50 of FFN blocks',
        align: 'right',
        about: run.latency.describe,
      },
      ...splits.slice(1).map(({ name }): TableColumn => ({
        title: `on ${name}, pp`,
        align: 'right',
        about: `Its ${told.names.top1} against the teacher’s on the images that widths and models were chosen by: a little too good for what was chosen.`,
      })),
    ],
    rows: models.map((model) => [
      { text: model.id === recommended?.model.id ? `★ ${model.label}` : model.label },
      ...cellsOf(model, splits[0]!),
      { text: formatCount(model.params), value: model.params },
      { text: formatCount(model.macs), value: model.macs },
      { text: formatBytes(model.sizeBytes), value: model.sizeBytes },
      { text: millisecondsText(model.latencyMs), value: model.latencyMs },
      ...splits.slice(1).map((split) => differenceCell(model, split)),
    ]),
  };
}

function columnsOf({ name }: ToldSplit, { top1, rightInWords, agreement }: MeasureNames): TableColumn[] {
  return [
    {
      title: `${top1} on ${name}, %`,
      align: 'right',
      about: `Share of the images ${rightInWords}.`,
    },
    {
      title: 'against the teacher, pp',
      align: 'right',
      about: `Its ${top1} minus the teacher’s on the same images, in percentage points. Grey: the interval holds zero.`,
    },
    {
      title: 'agrees',
      align: 'right',
      about: `Share of the images on which ${agreement}, right or wrong.`,
    },
  ];
}

function cellsOf(model: ReportedModel, split: ToldSplit): Cell[] {
  const measured = split.of(model);
  if (measured === undefined) return [{ text: '–' }, { text: '–' }, { text: '–' }];
  const { top1Percent, agreementPercent } = measured;
  return [
    { text: percentCell(top1Percent), value: top1Percent.mean },
    differenceCell(model, split),
    { text: `${fixed(agreementPercent)} %`, value: agreementPercent },
  ];
}

function differenceCell(model: ReportedModel, split: ToldSplit): Cell {
  const measured = split.of(model);
  if (measured === undefined || model.kind === 'teacher') return { text: '–' };
  const { top1DeltaPp } = measured;
  return { text: pointsCell(top1DeltaPp), value: top1DeltaPp.mean, tone: toneOf(top1DeltaPp) };
}
