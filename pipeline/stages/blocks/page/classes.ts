import { pairedDifferencePp, type Interval } from '../../../measure/interval.ts';
import type { Answers } from '../../../report/answers.ts';
import type { Section } from '../../../report/page.ts';
import { classNamer } from './class-names.ts';
import type { Told } from './told.ts';
import { countText, fixed, pointsCell, toneOf } from './words.ts';

/** What a model does to one class, on the test images of it. */
export interface ClassChange {
  readonly place: number;
  readonly images: number;
  readonly teacherRight: number;
  readonly modelRight: number;
  readonly change: Interval;
}

/** Of every class that has images, what loses most first. */
export function classChanges({ labels, models }: Answers, id: string, confidence: number): ClassChange[] {
  const [teacher, model] = [models['teacher'], models[id]];
  if (teacher === undefined || model === undefined) return [];
  const byClass = new Map<
    number,
    { images: number; teacherRight: number; modelRight: number; gains: number; losses: number }
  >();
  labels.forEach((label, image) => {
    const counts = byClass.get(label) ?? { images: 0, teacherRight: 0, modelRight: 0, gains: 0, losses: 0 };
    const [was, is] = [teacher[image] === label, model[image] === label];
    counts.images++;
    if (was) counts.teacherRight++;
    if (is) counts.modelRight++;
    if (is && !was) counts.gains++;
    if (was && !is) counts.losses++;
    byClass.set(label, counts);
  });
  return [...byClass]
    .map(([place, { images, teacherRight, modelRight, gains, losses }]) => ({
      place,
      images,
      teacherRight,
      modelRight,
      change: pairedDifferencePp(gains, losses, images, confidence),
    }))
    .sort((a, b) => a.change.mean - b.change.mean || a.place - b.place);
}

/** Rows of the table; more classes than that are cut to those that lose most and gain most. */
const mostRows = 40;

/** Which classes pay for the smaller model. */
export function classesSection({
  run,
  recommended,
  confidence,
  confidenceText,
  names,
}: Told): Section | undefined {
  const model = recommended?.model;
  if (run.answers === undefined || model === undefined) return undefined;
  const changes = classChanges(run.answers, model.id, confidence);
  if (changes.length < 2) return undefined;
  const shown =
    changes.length <= mostRows
      ? changes
      : [...changes.slice(0, mostRows / 2), ...changes.slice(-mostRows / 2)];
  const clear = changes.filter(({ change }) => change.low > 0 || change.high < 0).length;
  const byLuck = (1 - confidence) * changes.length;
  const nameOf = classNamer(run.library.manifest);
  return {
    id: 'classes',
    title: 'Which classes pay for it',
    lead:
      `${names.Top1} of ${model.label}, on the test images of every class. Classes have few images each: ${clear} of ${changes.length} ${confidenceText} intervals are clear of zero, ` +
      `and about ${fixed(byLuck)} would be by luck alone.`,
    parts: [
      {
        kind: 'table',
        caption:
          shown.length === changes.length
            ? `By class, what loses most ${names.top1} first`
            : `The ${mostRows / 2} classes of ${countText(changes.length)} that lose most ${names.top1}, and the ${mostRows / 2} that gain most`,
        interactive: true,
        columns: [
          { title: 'class' },
          { title: 'images', align: 'right' },
          { title: 'teacher right', align: 'right' },
          { title: 'small model right', align: 'right' },
          {
            title: 'change, pp',
            align: 'right',
            about: 'Paired over the images of the class. Grey: the interval holds zero.',
          },
        ],
        rows: shown.map(({ place, images, teacherRight, modelRight, change }) => [
          { text: nameOf(place) },
          { text: String(images), value: images },
          { text: String(teacherRight), value: teacherRight },
          { text: String(modelRight), value: modelRight },
          { text: pointsCell(change), value: change.mean, tone: toneOf(change) },
        ]),
      },
    ],
  };
}
