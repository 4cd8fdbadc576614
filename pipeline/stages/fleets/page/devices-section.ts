import { proportionPercent } from '../../../measure/interval.ts';
import type { HeatCell, HeatMapPart, Part, Section, TablePart } from '../../../report/page.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { answerNames } from '../answer-names.ts';
import type { FleetReport } from '../report-file.ts';
import { classesOf, type Told } from './told.ts';
import { listed, numberCell, percentText } from './words.ts';

/** Columns that a page has room for. */
export const mostClasses = 40;

/** Which device knows what, and how the classes were divided. */
export function devicesSection(told: Told): Section | undefined {
  const { fleets, classes } = told.run.report;
  if (fleets.length === 0) return undefined;
  return {
    id: 'devices',
    title: 'Devices and their classes',
    lead: 'Every class is known by one sub-model, every sub-model is on one device. A device sends features of every image, also of those whose class it does not know.',
    parts: fleets.flatMap((fleet): Part[] => [
      deviceTable(told, fleet),
      ...(classes.length <= mostClasses && fleet.devices.length > 1 ? [classMap(told, fleet)] : []),
      partitionTable(told, fleet),
    ]),
  };
}

function deviceTable(told: Told, fleet: FleetReport): TablePart {
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}What each device carries`,
    interactive: true,
    columns: [
      { title: 'device' },
      { title: 'classes' },
      { title: 'number', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'multiply-adds', align: 'right' },
      {
        title: 'p50',
        align: 'right',
        about: 'Of its sub-models one after the other; ONNX Runtime, one thread.',
      },
      { title: 'sends', align: 'right', about: 'Bytes an image: its feature vectors as float32.' },
    ],
    rows: fleet.devices.map(({ name, classes, sizeBytes, macs, p50Ms, bytesUp }) => [
      { text: name },
      { text: listed(classesOf(fleet, name).map(told.classOf), 12) },
      numberCell(classes),
      numberCell(sizeBytes, formatBytes(sizeBytes)),
      numberCell(macs, formatCount(macs)),
      p50Ms === null ? { text: '' } : numberCell(p50Ms, `${p50Ms.toFixed(2)} ms`),
      numberCell(bytesUp, formatBytes(bytesUp)),
    ]),
  };
}

/** Device x class: who knows it, and how often the retrained sub-model is right of it by itself. */
function classMap(told: Told, fleet: FleetReport): HeatMapPart {
  const { classes, confidence } = told.run.report;
  const { answers } = told.run;
  const alone = answers?.models[answerNames.retrained(fleet.name)];
  const cellOf = (device: string, place: number): HeatCell => {
    const knows = `${device} knows ${told.classOf(place)}`;
    if (answers === undefined || alone === undefined) return { text: '●', value: 1, hover: knows };
    const own = answers.labels.flatMap((label, image) => (label === place ? [alone[image] === place] : []));
    if (own.length === 0) return { text: '●', value: 0, hover: `${knows}; no test image of it` };
    const right = own.filter(Boolean).length;
    const share = (100 * right) / own.length;
    return {
      text: share.toFixed(0),
      value: share,
      hover: `${knows}: alone, among its own classes, right of ${right} of ${own.length} test images, ${percentText(proportionPercent(right, own.length, confidence))}`,
    };
  };
  return {
    kind: 'heat-map',
    caption: `${told.prefix(fleet)}Who knows which class${alone === undefined ? '' : ', and percent right of it by the retrained sub-model alone, among its own classes'}`,
    corner: 'device',
    columns: classes.map((_, place) => told.classOf(place)),
    rows: fleet.devices.map(({ name }) => {
      const own = new Set(classesOf(fleet, name));
      return { title: name, cells: classes.map((_, place) => (own.has(place) ? cellOf(name, place) : null)) };
    }),
    scale: 'share',
  };
}

function partitionTable(told: Told, fleet: FleetReport): TablePart {
  const { by, confusionInside } = fleet.partition;
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}How the classes could be divided, and how much of what the teacher confuses would be between classes of one sub-model`,
    columns: [
      { title: 'partition' },
      {
        title: 'confusion inside',
        align: 'right',
        about:
          "Share of the teacher's confusion between classes, on images that are learned from, whose two classes share a sub-model.",
      },
    ],
    rows: Object.entries(confusionInside).map(([kind, share]) => [
      { text: kind === by ? `${kind}, taken here` : kind },
      numberCell(share, `${(100 * share).toFixed(1)} %`),
    ]),
  };
}
