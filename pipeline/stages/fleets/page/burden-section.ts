import { barsChart } from '../../../report/charts/bars.ts';
import type { ChartPart, Part, Section, TablePart } from '../../../report/page.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { ratio } from '../report-cells.ts';
import type { FleetReport } from '../report-file.ts';
import { totalCost, type Told } from './told.ts';
import { listed, numberCell } from './words.ts';

const mostBars = 25;

/** An image on the devices: time, wire and energy. */
export function burdenSection(told: Told): Section | undefined {
  const { fleets, imageBytes } = told.run.report;
  if (fleets.length === 0) return undefined;
  const rates = [
    ...new Set(
      fleets.flatMap(({ devit }) =>
        devit === undefined
          ? []
          : [`${devit.energy.perMacJ} J a multiply-add and ${devit.energy.perByteJ} J a byte`],
      ),
    ),
  ];
  return {
    id: 'burden',
    title: 'An image on the devices: time, wire and energy',
    lead:
      `An image goes to every device as ${formatBytes(imageBytes)} of pixels, a feature vector comes back as float32. Time is the p50 of one image, ONNX Runtime, one thread, ` +
      'on the machine of the run, without the wire, which a run does not measure.' +
      (rates.length === 0
        ? ''
        : ` Energy is a model and nothing was measured: ${rates.join('; ')}, or a device's own.`),
    parts: [
      ...fleets.flatMap((fleet): Part[] => latencyChart(told, fleet)),
      burdenTable(told),
      ...(fleets.some(({ p50Ms }) => p50Ms === null)
        ? [
            {
              kind: 'notices' as const,
              notices: [
                {
                  level: 'note' as const,
                  text: 'No times: ONNX Runtime was not there when the run measured them.',
                },
              ],
            },
          ]
        : []),
    ],
  };
}

function latencyChart(told: Told, fleet: FleetReport): ChartPart[] {
  const { devices, teacherP50Ms } = fleet;
  const timed = devices.flatMap(({ name, p50Ms }) => (p50Ms === null ? [] : [{ name, p50Ms }]));
  if (timed.length === 0 || timed.length > mostBars) return [];
  const all = [...(teacherP50Ms === null ? [] : [{ name: 'teacher', p50Ms: teacherP50Ms }]), ...timed];
  const says = ({ name, p50Ms }: { name: string; p50Ms: number }) => `${name}: ${p50Ms.toFixed(2)} ms`;
  return [
    barsChart({
      title: `${told.prefix(fleet)}Time of one image`,
      alternative: `${listed(all.map(says), 12)}.`,
      bars: all.map((one) => ({ label: one.name, value: one.p50Ms, kind: 'p50', says: says(one) })),
      x: { title: 'p50, milliseconds' },
      y: 'device',
    }),
  ];
}

function burdenTable(told: Told): TablePart {
  const { fleets, imageBytes, teacher } = told.run.report;
  const energy = fleets.some(({ devit }) => devit !== undefined);
  const right = 'right' as const;
  const none = { text: '' };
  const time = (ms: number | null) => (ms === null ? none : numberCell(ms, `${ms.toFixed(2)} ms`));
  const bytes = (count: number) => numberCell(count, formatBytes(count));
  const millijoule = (joule: number) => numberCell(joule, `${(1000 * joule).toPrecision(3)} mJ`);
  return {
    kind: 'table',
    caption: 'An image, per fleet',
    columns: [
      { title: 'fleet' },
      { title: 'slowest device', align: right },
      { title: 'teacher', align: right },
      { title: 'down, all', align: right, about: 'Bytes that go to all devices together.' },
      { title: 'up, all', align: right, about: 'Bytes that come back from all.' },
      { title: 'multiply-adds, all', align: right },
      { title: 'of the teacher', align: right },
      ...(energy
        ? [
            { title: 'energy, all', align: right },
            { title: 'dearest device', align: right },
            { title: 'teacher', align: right },
          ]
        : []),
      { title: 'training', align: right, about: 'Of all sub-models, one after the other.' },
    ],
    rows: fleets.map((fleet) => {
      const { name, devices, p50Ms, teacherP50Ms, devit, trainMinutes } = fleet;
      const { macs } = totalCost(fleet);
      const up = devices.reduce((sum, { bytesUp }) => sum + bytesUp, 0);
      return [
        { text: name },
        time(p50Ms),
        time(teacherP50Ms),
        bytes(devit?.bytesDown ?? devices.length * imageBytes),
        bytes(devit?.bytesUp ?? up),
        numberCell(macs, formatCount(macs)),
        numberCell(macs / teacher.macs, ratio(teacher.macs, macs)),
        ...(energy
          ? devit === undefined
            ? [none, none, none]
            : [devit.energy.totalJ, devit.energy.dearestJ, devit.energy.teacherJ].map(millijoule)
          : []),
        numberCell(trainMinutes, `${trainMinutes.toFixed(1)} min`),
      ];
    }),
  };
}
