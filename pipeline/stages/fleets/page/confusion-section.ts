import type { HeatCell, HeatMapPart, Part, Section, TablePart } from '../../../report/page.ts';
import { answerNames } from '../answer-names.ts';
import type { FleetReport } from '../report-file.ts';
import { confusedPairs, confusionOf, type Confusion } from './confusion.ts';
import { mostClasses } from './devices-section.ts';
import type { Told } from './told.ts';
import { listed, numberCell, signed } from './words.ts';

/** Fleets whose maps are shown: a map of many classes is large. */
const mostFleets = 4;
const mostPairs = 20;

/** What the teacher and the fused sub-models take for what, on the same images. */
export function confusionSection(told: Told): Section | undefined {
  const { answers, report } = told.run;
  const teacher = answers?.models[answerNames.teacher];
  if (answers === undefined || teacher === undefined || report.fleets.length === 0) return undefined;
  const classes = report.classes.length;
  const before = confusionOf(teacher, answers.labels, classes);
  const asMaps = classes <= mostClasses;
  const fleets = report.fleets.slice(0, mostFleets).flatMap((fleet) => {
    const fused = answers.models[answerNames.fused(fleet.name)];
    return fused === undefined ? [] : [{ fleet, after: confusionOf(fused, answers.labels, classes) }];
  });
  const left = report.fleets.length - fleets.length;
  return {
    id: 'confusion',
    title: 'Confusion before and after',
    lead:
      (asMaps
        ? 'Rows are what an image is, columns what it was taken for, in percent of the images of its class; only mistakes are coloured. '
        : `With ${classes} classes, the pairs that are confused most. `) +
      'Before: the teacher among these classes. After: the fused sub-models, on the same test images. A cell is of few images: single changes are as likely luck.',
    parts: [
      ...(asMaps ? [confusionMap(told, 'Before: the teacher', before)] : []),
      ...fleets.flatMap(({ fleet, after }): Part[] => [
        ...(asMaps
          ? [confusionMap(told, `After: ${fleet.name}, fused`, after), changeMap(told, fleet, before, after)]
          : []),
        pairsTable(told, fleet, before, after),
      ]),
      ...(left === 0 ? [] : [{ kind: 'text', text: `${left} more fleets are not shown here.` } as const]),
    ],
  };
}

const percentOf = ({ counts, images }: Confusion, label: number, answer: number): number =>
  (100 * counts[label]![answer]!) / Math.max(1, images[label]!);

/** @param of a cell; null for nothing */
function mapOf(
  told: Told,
  caption: string,
  scale: HeatMapPart['scale'],
  of: (label: number, answer: number) => HeatCell | null,
): HeatMapPart {
  const { classes } = told.run.report;
  return {
    kind: 'heat-map',
    caption,
    corner: 'is',
    columns: classes.map((_, place) => told.classOf(place)),
    rows: classes.map((_, label) => ({
      title: told.classOf(label),
      cells: classes.map((__, answer) => of(label, answer)),
    })),
    scale,
  };
}

function confusionMap(told: Told, caption: string, confusion: Confusion): HeatMapPart {
  const { counts, images } = confusion;
  return mapOf(told, caption, 'loss', (label, answer) => {
    const count = counts[label]![answer]!;
    if (count === 0) return null;
    const percent = percentOf(confusion, label, answer);
    const said = label === answer ? 'recognised' : `taken for ${told.classOf(answer)}`;
    return {
      text: percent.toFixed(0),
      value: percent,
      hover: `${told.classOf(label)} ${said}: ${count} of ${images[label]!} images`,
      plain: label === answer,
    };
  });
}

/** Where a cell is worse, its value is above zero: more of a mistake, or less of what is right. */
function changeMap(told: Told, fleet: FleetReport, before: Confusion, after: Confusion): HeatMapPart {
  return mapOf(
    told,
    `Change from the teacher to ${fleet.name}, in points: a mistake more or a right answer less is worse`,
    'change',
    (label, answer) => {
      const change = percentOf(after, label, answer) - percentOf(before, label, answer);
      if (change === 0) return null;
      const said = label === answer ? 'recognised' : `taken for ${told.classOf(answer)}`;
      const [was, is] = [before.counts[label]![answer]!, after.counts[label]![answer]!];
      return {
        text: signed(change, 0),
        value: label === answer ? -change : change,
        hover: `${told.classOf(label)} ${said}: ${was} images by the teacher, ${is} fused, of ${after.images[label]!}`,
      };
    },
  );
}

function pairsTable(told: Told, fleet: FleetReport, before: Confusion, after: Confusion): TablePart {
  const pairs = confusedPairs(before, after, mostPairs);
  const home = new Map(
    fleet.submodels.flatMap(({ name, classes }) => classes.map((one) => [one, name] as const)),
  );
  const sum = ([there, back]: readonly [number, number]) => there + back;
  return {
    kind: 'table',
    caption: `${told.prefix(fleet)}Classes that are taken for one another most${pairs.length === mostPairs ? `, the first ${mostPairs}` : ''}`,
    interactive: true,
    columns: [
      { title: 'classes' },
      { title: 'on', about: 'Whether one sub-model tells them apart, or only the fusion does.' },
      { title: 'images', align: 'right' },
      { title: 'confused by the teacher', align: 'right' },
      { title: 'fused', align: 'right' },
      { title: 'change', align: 'right', about: 'Images; without an interval, for each is few.' },
    ],
    rows: pairs.map(({ classes: [a, b], before: was, after: is, images }) => {
      const change = sum(is) - sum(was);
      return [
        { text: listed([told.classOf(a), told.classOf(b)]) },
        { text: home.get(a) === home.get(b) ? 'one sub-model' : 'two sub-models' },
        numberCell(images),
        numberCell(sum(was)),
        numberCell(sum(is)),
        numberCell(change, signed(change, 0)),
      ];
    }),
  };
}
