import type { SampleInterval } from '../../../measure/interval.ts';
import { fail } from '../../../util/failure.ts';
import { showValue } from '../../../util/foreign-value.ts';
import type { PredictedClasses } from '../../../measure/accuracy.ts';
import { isBeyondChance } from './beyond-chance.ts';

/** Of labels, the class that most have, and their share of all. */
export function commonestClass(labels: readonly number[]): {
  readonly index: number;
  readonly share: number;
} {
  const images = new Map<number, number>();
  for (const label of labels) images.set(label, (images.get(label) ?? 0) + 1);
  const [index, most] = [...images].reduce((best, next) => (next[1] > best[1] ? next : best));
  return { index, share: most / labels.length };
}

/** @throws BlockForgeError `gate-failed` for answers that luck, or one answer for everything, gives as well */
export function checkChance(
  now: Pick<PredictedClasses, 'labels' | 'predicted'>,
  top1: SampleInterval,
  commonest: ReturnType<typeof commonestClass>,
  said: {
    readonly classes: readonly string[];
    readonly confidence: number;
    /** What the share of right answers is called. */
    readonly name: string;
    readonly next: string;
  },
): void {
  const { classes, confidence, name, next } = said;
  const chance = 100 / classes.length;
  if (top1.low > chance && isBeyondChance(now, (1 - confidence) / 2)) return;
  const only = now.predicted[0];
  const isOnly = only !== undefined && now.predicted.every((said) => said === only);
  fail({
    reason: 'gate-failed',
    subject: 'teacher',
    found: [
      `${name} is ${top1.mean.toFixed(2)} % [${top1.low.toFixed(2)}, ${top1.high.toFixed(2)}] on ${top1.images} selection images`,
      `chance is ${chance.toFixed(2)} %`,
      `always saying ${showValue(classes[commonest.index])} is right on ${(100 * commonest.share).toFixed(2)} %`,
      ...(isOnly ? [`the teacher says ${showValue(classes[only])} of every image`] : []),
    ].join('; '),
    expected:
      'answers that depend on the image: a trained teacher, its own classes in its own order, its own preprocessing',
    next,
  });
}
