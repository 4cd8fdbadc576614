import { formatDelta } from '../../terminal/numbers.ts';
import { formatBytes } from '../../util/format.ts';
import { milliseconds, percentOf, ratio, type ReportTable } from './report-cells.ts';
import type { DevitReport, FleetReport, FleetsReport, SubmodelReport } from './report-file.ts';

const right = 'right' as const;

type DevitFleet = FleetReport & { readonly devit: DevitReport };

/** What the method `devit` adds; nothing for other methods. */
export function togetherTables(report: FleetsReport): ReportTable[] {
  const fleets = report.fleets.filter((fleet): fleet is DevitFleet => fleet.devit !== undefined);
  return fleets.length === 0 ? [] : [togetherTable(fleets, report), burdenTable(fleets, report.teacher.macs)];
}

/** The ensemble beside each of its sub-models, their mean, and single models. */
function togetherTable(fleets: readonly DevitFleet[], { images, confidence }: FleetsReport): ReportTable {
  const percent = percentOf(images);
  const taught = fleets.flatMap(({ submodels }) => submodels).some(({ teach }) => teach !== undefined);
  return {
    title: 'The ensemble against its sub-models, and against single models',
    notes: [
      'of a sub-model: the images of its classes, answered among these by itself and by the ensemble; mean: every image in this way',
      `of a single model: all images, among all classes; differences are paired, ${Math.round(100 * confidence)} % intervals`,
      ...(taught
        ? [
            'own teacher: right of the selection images of its classes, restricted and fine-tuned; neither learned from these',
          ]
        : []),
      ...fleets.flatMap(jointNote),
    ],
    columns: [
      { title: 'model' },
      { title: 'started from' },
      ...(taught ? [{ title: 'own teacher' }] : []),
      { title: 'alone' },
      { title: 'ensemble' },
      { title: 'ensemble has over it pp' },
    ],
    rows: fleets.flatMap(({ name, submodels, small, devit }) => [
      ...devit.together.submodels.map(({ name: own, alonePercent, fused }, index) => [
        own,
        submodels[index]?.origin ?? 'the teacher',
        ...(taught ? [teachCell(submodels[index])] : []),
        percent(alonePercent),
        percent(fused.top1Percent),
        formatDelta(fused.againstPp),
      ]),
      [
        `${name}, mean of its sub-models`,
        '',
        ...(taught ? [''] : []),
        percent(devit.together.mean.alonePercent),
        percent(devit.together.mean.fused.top1Percent),
        formatDelta(devit.together.mean.fused.againstPp),
      ],
      ...devit.together.small.map(({ kind, fused }) => [
        `${name}, one model at the cost of ${kind === 'total' ? 'all' : 'one'}`,
        'the teacher',
        ...(taught ? [''] : []),
        ...small.filter((one) => one.kind === kind).map(({ top1Percent }) => percent(top1Percent)),
        percent(fused.top1Percent),
        formatDelta(fused.againstPp),
      ]),
    ]),
  };
}

function jointNote({ name, devit: { joint } }: DevitFleet): string[] {
  if (joint === undefined) return [];
  const [start, best] = [joint.start, joint.best].map((share) => (100 * share).toFixed(1));
  const kept = joint.startKept === true ? '; the start was the best look, and is what is kept' : '';
  return [
    `${name}: trained together for ${joint.minutes.toFixed(1)} min, of the held-out images ${start} % right before and ${best} % after${kept}`,
  ];
}

function teachCell(submodel: SubmodelReport | undefined): string {
  if (submodel?.teach === undefined) return '';
  const { restricted, tuned } = submodel.teach.selection;
  return `${(100 * restricted).toFixed(1)} %, ${(100 * tuned).toFixed(1)} %`;
}

/** What an image costs while it is answered. */
function burdenTable(fleets: readonly DevitFleet[], teacherMacs: number): ReportTable {
  const millijoule = (joule: number): string => (1000 * joule).toPrecision(3);
  const rates = [
    ...new Set(
      fleets.map(
        ({ devit: { energy } }) => `${energy.perMacJ} J a multiply-add and ${energy.perByteJ} J a byte`,
      ),
    ),
  ];
  return {
    title: 'An image on the devices: time, wire and energy',
    notes: [
      'time: p50 of the slowest device, ONNX Runtime, one thread, without the wire, which a run does not measure',
      `energy is a model and nothing was measured: ${rates.join('; ')}, or a device's own energyPerMacJ; by default the published 204.3 mJ for 1.48 G multiply-adds of a Jetson Nano`,
    ],
    columns: [
      { title: 'fleet' },
      { title: 'slowest ms', align: right },
      { title: 'teacher ms', align: right },
      { title: 'faster', align: right },
      { title: 'bytes down, all', align: right },
      { title: 'bytes up, all', align: right },
      { title: 'MACs, all', align: right },
      { title: 'mJ, all', align: right },
      { title: 'mJ, dearest', align: right },
      { title: 'teacher mJ', align: right },
    ],
    rows: fleets.map(({ name, p50Ms, teacherP50Ms, devices, devit: { energy, bytesDown, bytesUp } }) => [
      name,
      milliseconds(p50Ms),
      milliseconds(teacherP50Ms),
      p50Ms === null || teacherP50Ms === null ? '' : `${(teacherP50Ms / p50Ms).toFixed(2)}x`,
      formatBytes(bytesDown),
      formatBytes(bytesUp),
      ratio(
        teacherMacs,
        devices.reduce((sum, { macs }) => sum + macs, 0),
      ),
      millijoule(energy.totalJ),
      millijoule(energy.dearestJ),
      millijoule(energy.teacherJ),
    ]),
  };
}
