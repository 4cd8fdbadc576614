import { trainedOnWarning } from '../../../datasets/split-sources.ts';
import type { Compared } from '../../submodels/evaluation/compare.ts';
import { formatDelta } from '../../terminal/numbers.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { costCells, milliseconds, percentOf, ratio, type ReportTable } from './report-cells.ts';
import type { FleetsReport } from './report-file.ts';
import { togetherTables } from './report-together-tables.ts';

/** What a run came to: accuracies, then costs. @param sub-models with a table of them, which is long */
export function reportTables(report: FleetsReport, detailed: boolean): ReportTable[] {
  if (report.images === 0) return [];
  if (report.fleets.length === 0) return [accuracyTable(report)];
  const tables = [accuracyTable(report), lossTable(report), costTable(report), ...togetherTables(report)];
  return detailed ? [...tables, submodelTable(report), deviceTable(report)] : tables;
}

const right = 'right' as const;

function accuracyTable(report: FleetsReport): ReportTable {
  const { teacher, images, fleets, engine, seed, confidence, classes } = report;
  const percent = percentOf(images);
  const { restrictedPercent, unrestrictedPercent } = teacher;
  const teachers = [
    ...(unrestrictedPercent ? [['teacher, among all its classes', percent(unrestrictedPercent)]] : []),
    [
      // Null where there are no test images; undefined where the teacher has no other classes.
      unrestrictedPercent === undefined
        ? `teacher, whose classes are these ${classes.length}`
        : `teacher, among these ${classes.length} classes`,
      restrictedPercent === null ? '' : percent(restrictedPercent),
    ],
  ];
  return {
    title: 'Deployments',
    notes: [
      `${images.toLocaleString('en-US')} images of the test split, which chose nothing; ${engine}; seed ${seed}; ${Math.round(100 * confidence)} % intervals`,
      ...(report.flattered ? [trainedOnWarning('test', `${images} images`, 'train')] : []),
      "differences are paired, in percentage points, to the teacher among the data's classes",
      ...(report.missing.length > 0 ? [`not here, a job failed: ${report.missing.join(', ')}`] : []),
    ],
    columns: [
      { title: 'model' },
      { title: 'top-1 [interval]' },
      { title: 'against the teacher pp' },
      { title: 'size of the largest part', align: right },
      { title: 'MACs of it', align: right },
    ],
    rows: [
      ...teachers.map(([name = '', value = ''], index) => [
        name,
        value,
        '',
        ...(index === teachers.length - 1 ? costCells(teacher, teacher) : ['', '']),
      ]),
      ...fleets.flatMap((fleet) => [
        [
          `${fleet.name}, fused`,
          percent(fleet.fused.top1Percent),
          formatDelta(fleet.fused.againstPp),
          ...costCells(fleet.largest, teacher),
        ],
        ...fleet.small.map((small) => [
          `${fleet.name}, one model at the cost of ${small.kind === 'total' ? 'all' : 'one'}`,
          percent(small.top1Percent),
          formatDelta(small.againstPp),
          ...costCells(small, teacher),
        ]),
      ]),
    ],
  };
}

/** Sub-models before they are fused, and what is left when a device is lost. */
function lossTable({ fleets, images, confidence }: FleetsReport): ReportTable {
  const percent = percentOf(images);
  const both = ({ top1Percent, againstPp }: Compared) => `${percent(top1Percent)}, ${formatDelta(againstPp)}`;
  return {
    title: 'Sub-models alone on images of their own classes, and fused with a device lost',
    notes: [
      'alone: every image by the sub-model of its class, among its classes, beside the teacher among the same; a fusion cannot know which that is',
      ...(fleets.some(({ submodels }) => submodels.some(({ classes }) => classes.length === 1))
        ? ['a sub-model of a single class cannot be wrong alone: there only the fusion says anything']
        : []),
      `lost: the fusion of the others against the teacher, ${Math.round(100 * confidence)} % intervals`,
    ],
    columns: [
      { title: 'fleet' },
      { title: 'teacher' },
      { title: 'cut' },
      { title: 'retrained' },
      { title: 'one lost, mean' },
      { title: 'one lost, worst' },
      { title: 'classes lost there', align: right },
    ],
    rows: fleets.map(({ name, alone, lost }) => [
      name,
      percent(alone.teacherPercent),
      both(alone.start),
      both(alone.trained),
      lost === undefined ? '' : both(lost.mean),
      lost === undefined ? '' : both(lost.worst),
      lost === undefined ? '' : `${lost.worst.classesPercent.toFixed(0)} %`,
    ]),
  };
}

function costTable({ fleets, imageBytes, teacher }: FleetsReport): ReportTable {
  return {
    title: 'Costs of the largest device',
    notes: [
      `an image goes down as ${formatBytes(imageBytes)} of pixels, a feature vector comes up as float32`,
      'latency: p50 of one image, ONNX Runtime, one thread; minutes: training of all sub-models, one after the other',
    ],
    columns: [
      { title: 'fleet' },
      { title: 'size', align: right },
      { title: 'of teacher', align: right },
      { title: 'MACs', align: right },
      { title: 'of teacher', align: right },
      { title: 'p50 ms', align: right },
      { title: 'teacher ms', align: right },
      { title: 'bytes up, all', align: right },
      { title: 'training min', align: right },
    ],
    rows: fleets.map((fleet) => [
      fleet.name,
      formatBytes(fleet.largest.sizeBytes),
      ratio(teacher.sizeBytes, fleet.largest.sizeBytes),
      formatCount(fleet.largest.macs),
      ratio(teacher.macs, fleet.largest.macs),
      milliseconds(fleet.p50Ms),
      milliseconds(fleet.teacherP50Ms),
      String(fleet.devices.reduce((sum, { bytesUp }) => sum + bytesUp, 0)),
      fleet.trainMinutes.toFixed(1),
    ]),
  };
}

function submodelTable({ fleets, images, classes }: FleetsReport): ReportTable {
  const percent = percentOf(images);
  return {
    title: 'Sub-models',
    notes: ['on the test images of their own classes, among these'],
    columns: [
      { title: 'sub-model' },
      { title: 'classes' },
      { title: 'images', align: right },
      { title: 'teacher' },
      { title: 'cut' },
      { title: 'retrained' },
      { title: 'against the teacher pp' },
      { title: 'feature', align: right },
      { title: 'size', align: right },
      { title: 'MACs', align: right },
      { title: 'min', align: right },
    ],
    rows: fleets.flatMap(({ submodels }) =>
      submodels.map((one) => [
        one.name,
        one.classes.map((index) => classes[index] ?? index).join(', '),
        String(one.trained.images),
        percent(one.teacherPercent),
        percent(one.start.top1Percent),
        percent(one.trained.top1Percent),
        formatDelta(one.trained.againstPp),
        String(one.featureWidth),
        formatBytes(one.sizeBytes),
        formatCount(one.macs),
        one.trainMinutes.toFixed(1),
      ]),
    ),
  };
}

function deviceTable({ fleets, images }: FleetsReport): ReportTable {
  const percent = percentOf(images);
  return {
    title: 'Devices',
    notes: ['fused without it: the fusion of all the others; p50: of its sub-models one after the other'],
    columns: [
      { title: 'fleet' },
      { title: 'device' },
      { title: 'models' },
      { title: 'classes', align: right },
      { title: 'size', align: right },
      { title: 'MACs', align: right },
      { title: 'p50 ms', align: right },
      { title: 'bytes up', align: right },
      { title: 'fused without it' },
      { title: 'against the teacher pp' },
    ],
    rows: fleets.flatMap(({ name, devices }) =>
      devices.map((device) => [
        name,
        device.name,
        device.models.join(', '),
        String(device.classes),
        formatBytes(device.sizeBytes),
        formatCount(device.macs),
        milliseconds(device.p50Ms),
        String(device.bytesUp),
        device.lost === undefined ? '' : percent(device.lost.top1Percent),
        device.lost === undefined ? '' : formatDelta(device.lost.againstPp),
      ]),
    ),
  };
}
