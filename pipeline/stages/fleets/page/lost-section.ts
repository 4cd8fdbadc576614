import { barsChart, type ChartBar } from '../../../report/charts/bars.ts';
import type { MarkKind } from '../../../report/charts/kinds.ts';
import type { ChartPart, HeatMapPart, Part, Section, TablePart } from '../../../report/page.ts';
import type { DeviceReport, FleetReport } from '../report-file.ts';
import { mostClasses } from './devices-section.ts';
import type { Paired } from './right-of.ts';
import { classesOf, withoutDevice, type Told } from './told.ts';
import { percentCell, percentText, pointsCell, pointsText, signed } from './words.ts';

/** More devices than this are no picture. */
const mostBars = 25;

const looks: readonly MarkKind[] = [
  { name: 'all classes', label: 'all', colour: 'var(--c8)', shape: 'circle' },
  { name: 'its classes', label: 'its own', colour: 'var(--c2)', shape: 'square' },
  { name: 'its classes, before', label: 'before', colour: 'var(--c6)', shape: 'diamond' },
];

interface Lost {
  readonly device: DeviceReport;
  /** Absent without answers. */
  readonly all?: Paired | undefined;
  readonly own?: Paired | undefined;
  readonly others?: Paired | undefined;
}

/** What is lost with each device: of everything, and of the classes that only it knows. */
export function lostSection(told: Told): Section | undefined {
  const fleets = told.run.report.fleets.filter(({ lost }) => lost !== undefined);
  if (fleets.length === 0) return undefined;
  return {
    id: 'lost',
    title: 'What is lost with each device',
    lead:
      'The fusion of all the others, on the same test images. Its own classes are those that no other device was trained to tell apart; ' +
      'what the others see of them is all that is left.',
    parts: fleets.flatMap((fleet): Part[] => {
      const lost = lostOf(told, fleet);
      return [
        ...(lost.length <= mostBars ? [lostChart(told, fleet, lost)] : []),
        lostTable(told, fleet, lost),
        ...lostMap(told, fleet),
      ];
    }),
  };
}

function lostOf(told: Told, fleet: FleetReport): Lost[] {
  const classes = told.run.report.classes.map((_, place) => place);
  return fleet.devices.map((device) => {
    const own = new Set(classesOf(fleet, device.name));
    const others = new Set(classes.filter((one) => !own.has(one)));
    const of = (among?: ReadonlySet<number>) => withoutDevice(told, fleet, device, among);
    return { device, all: of(), own: of(own), others: of(others) };
  });
}

function lostChart(told: Told, fleet: FleetReport, lost: readonly Lost[]): ChartPart {
  const { images } = told.run.report;
  const bars = lost.flatMap(({ device, own }): ChartBar[] => {
    const bar = (kind: string, { mean, low, high }: { mean: number; low: number; high: number }) => ({
      label: device.name,
      kind,
      value: mean,
      low,
      high,
      says: `${device.name} lost, ${kind}: ${percentText({ mean, low, high })} right`,
    });
    return [
      ...(device.lost === undefined ? [] : [bar('all classes', device.lost.top1Percent)]),
      ...(own === undefined
        ? []
        : [bar('its classes', own.model), bar('its classes, before', own.reference)]),
    ];
  });
  const worst = fleet.lost?.worst;
  const ownWorst = lost.reduce<Lost | undefined>(
    (most, one) =>
      one.own !== undefined && one.own.change.mean < (most?.own?.change.mean ?? Infinity) ? one : most,
    undefined,
  );
  return barsChart({
    title: `${told.prefix(fleet)}Right without each device`,
    alternative:
      `Nothing lost: ${percentText(fleet.fused.top1Percent, images)}. ` +
      (worst === undefined
        ? ''
        : `Worst to lose: ${worst.device}, ${percentText(worst.top1Percent, images)} are left of all. `) +
      (ownWorst?.own === undefined
        ? ''
        : `Of its own classes ${ownWorst.device.name} takes most with it: ${percentText(ownWorst.own.reference)} before, ${percentText(ownWorst.own.model)} without it.`),
    bars,
    x: { title: 'test images right, %' },
    y: 'device lost',
    kinds: looks,
  });
}

function lostTable(told: Told, fleet: FleetReport, lost: readonly Lost[]): TablePart {
  const { images } = told.run.report;
  const answered = lost.some(({ own }) => own !== undefined);
  const right = 'right' as const;
  const none = { text: '' };
  const change = (paired: Paired | undefined) =>
    paired === undefined ? none : pointsCell(paired.change, paired.images);
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}Without each device`,
    interactive: true,
    columns: [
      { title: 'device lost' },
      { title: 'right without it', align: right },
      { title: 'against the teacher', align: right, about: 'Paired. Grey: the interval holds zero.' },
      ...(answered
        ? [
            { title: 'change, all', align: right, about: 'Paired with the whole fleet, all images.' },
            { title: 'change, its classes', align: right, about: 'On the images of its own classes.' },
            { title: 'change, other classes', align: right, about: 'On all other images.' },
          ]
        : []),
    ],
    rows: lost.map(({ device, all, own, others }) => [
      { text: device.name },
      device.lost === undefined ? none : percentCell(device.lost.top1Percent, images),
      device.lost === undefined ? none : pointsCell(device.lost.againstPp, images),
      ...(answered ? [change(all), change(own), change(others)] : []),
    ]),
  };
}

/** Device lost x class: how many points of the class go with it. */
function lostMap(told: Told, fleet: FleetReport): HeatMapPart[] {
  const { classes } = told.run.report;
  if (told.run.answers === undefined || classes.length > mostClasses) return [];
  return [
    {
      kind: 'heat-map',
      caption: `${told.prefix(fleet)}By class: points that the fusion changes by when a device is lost; ● its own classes; coloured where the interval leaves out zero`,
      corner: 'device lost',
      columns: classes.map((_, place) => told.classOf(place)),
      rows: fleet.devices.map((device) => {
        const own = new Set(classesOf(fleet, device.name));
        return {
          title: device.name,
          cells: classes.map((_, place) => {
            const paired = withoutDevice(told, fleet, device, new Set([place]));
            if (paired === undefined) return null;
            return {
              text: `${signed(paired.change.mean, 0)}${own.has(place) ? ' ●' : ''}`,
              value: -paired.change.mean,
              plain: paired.change.low <= 0 && paired.change.high >= 0,
              hover: `${told.classOf(place)}${own.has(place) ? ', its own class' : ''}, without ${device.name}: ${pointsText(paired.change)} on ${paired.images} images`,
            };
          }),
        };
      }),
      scale: 'change',
    },
  ];
}
