import type { Interval } from '../../../measure/interval.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { answerNames } from '../answer-names.ts';
import { ratio } from '../report-cells.ts';
import type { FleetReport } from '../report-file.ts';
import { smallPhrase, totalCost, withoutDevice, type Told } from './told.ts';
import { countText, listed, percentText, pointsText } from './words.ts';

/** How many fleets are told one by one. */
const mostFleets = 3;

/** What came of it, in plain sentences. */
export function headline(told: Told): string[] {
  const { report } = told.run;
  const { fleets, images, classes } = report;
  if (images === 0) {
    return [
      'The config asks for no test images, so nothing here says how good the fleets are (data.splits.test).',
    ];
  }
  const teacher = report.teacher.restrictedPercent;
  if (fleets.length === 0) return [`No fleet was finished: ${listed(report.missing, 5)}.`];
  const shown = fleets.slice(0, mostFleets);
  const named = (name: string) => (fleets.length > 1 ? ` of ${name}` : '');
  const first =
    `Of ${countText(images)} test images the teacher, asked among the same ${classes.length} classes, has ` +
    `${teacher === null ? '?' : percentText(teacher, images)} right` +
    shown
      .map(
        ({ name, devices, fused }) =>
          `; ${countWord(devices.length)}${named(name)}, fused, ` +
          `${percentText(fused.top1Percent, images)}: ${pointsText(fused.againstPp, images)}, ${verdict(fused.againstPp)}`,
      )
      .join('') +
    `${fleets.length > shown.length ? `; ${fleets.length - shown.length} more fleets below` : ''}.`;
  const rest = shown.map((fleet) => [
    [carriesSentence(told, fleet), lostSentence(told, fleet)].join(' '),
    smallSentence(told, fleet),
  ]);
  // Of one fleet a paragraph each, of several one for each fleet.
  const paragraphs = rest.length === 1 ? rest.flat() : rest.map((sentences) => sentences.join(' '));
  return [first, ...paragraphs.filter((text) => text.trim() !== '')];
}

const countWord = (devices: number): string => (devices === 1 ? 'the one device' : `the ${devices} devices`);

function carriesSentence(told: Told, fleet: FleetReport): string {
  const { teacher } = told.run.report;
  const { largest } = fleet;
  const all = totalCost(fleet);
  return (
    `${told.prefix(fleet)}The largest device holds ${formatBytes(largest.sizeBytes)} (${ratio(teacher.sizeBytes, largest.sizeBytes)} of the teacher) and does ` +
    `${formatCount(largest.macs)} multiply-adds an image (${ratio(teacher.macs, largest.macs)}); all together hold ${formatBytes(all.sizeBytes)} (${ratio(teacher.sizeBytes, all.sizeBytes)}).`
  );
}

function lostSentence(told: Told, fleet: FleetReport): string {
  const { lost, devices } = fleet;
  if (lost === undefined) return 'With one device there is nothing left when it is lost.';
  const { images } = told.run.report;
  const worst = devices.find(({ name }) => name === lost.worst.device);
  const paired = worst && withoutDevice(told, fleet, worst);
  const beside =
    paired === undefined ? '' : ` (${pointsText(paired.change, images)} against the whole fleet)`;
  return (
    `With one device lost ${percentText(lost.mean.top1Percent, images)} are still right on average; ` +
    `without ${lost.worst.device}, the worst to lose, ${percentText(lost.worst.top1Percent, images)}${beside}.`
  );
}

/** What a fleet has over the small models. */
export function overSmall(told: Told, fleet: FleetReport) {
  return fleet.small.map((small) => {
    const paired = told.paired(answerNames.fused(fleet.name), answerNames.small(fleet.name, small.kind));
    const reported = fleet.devit?.together.small.find(({ kind }) => kind === small.kind)?.fused.againstPp;
    return { small, over: paired?.change ?? reported };
  });
}

function smallSentence(told: Told, fleet: FleetReport): string {
  const { images } = told.run.report;
  return overSmall(told, fleet)
    .map(({ small, over }, index) => {
      const start = index === 0 ? 'The honest comparison: ' : '';
      const beside =
        over === undefined ? '' : `; the fleet has ${pointsText(over, images)} over it, ${verdict(over)}`;
      const text = `${start}${smallPhrase(small.kind)} has ${percentText(small.top1Percent, images)}${beside}.`;
      return text.charAt(0).toUpperCase() + text.slice(1);
    })
    .join(' ');
}

function verdict({ low, high }: Interval): string {
  return low > 0
    ? 'clearly better'
    : high < 0
      ? 'clearly worse'
      : 'no difference that these images could tell';
}
