import { pairedDifferencePp, proportionPercent, type Interval } from '../../../measure/interval.ts';

/** What a model is worth beside another one on the same images, some of all. */
export interface Paired {
  readonly images: number;
  readonly model: Interval;
  readonly reference: Interval;
  /** Percentage points of the model over the reference. */
  readonly change: Interval;
}

/**
 * Two models on the images of some classes, from their answers.
 * @param among default: all classes
 * @returns undefined where there are no such images
 */
export function pairedOn(
  {
    labels,
    model,
    reference,
  }: {
    readonly labels: readonly number[];
    readonly model: readonly number[];
    readonly reference: readonly number[];
  },
  confidence: number,
  among?: ReadonlySet<number>,
): Paired | undefined {
  let [images, right, referenceRight, gains, losses] = [0, 0, 0, 0, 0];
  labels.forEach((label, image) => {
    if (among !== undefined && !among.has(label)) return;
    const [is, was] = [model[image] === label, reference[image] === label];
    images++;
    if (is) right++;
    if (was) referenceRight++;
    if (is && !was) gains++;
    if (was && !is) losses++;
  });
  if (images === 0) return undefined;
  return {
    images,
    model: proportionPercent(right, images, confidence),
    reference: proportionPercent(referenceRight, images, confidence),
    change: pairedDifferencePp(gains, losses, images, confidence),
  };
}
