import { bounds, pairedScoresPp, proportionPercent, type Interval } from '../../measure/interval.ts';

/** Top-1 of one model, and against a reference on the same images. A type, not an interface, so that it is JSON. */
export type Compared = {
  readonly images: number;
  readonly top1Percent: Interval;
  /** Percentage points. */
  readonly againstPp: Interval;
};

export function top1(correct: Uint8Array, confidence: number): Interval {
  return bounds(proportionPercent(count(correct), correct.length, confidence));
}

/** Scores of 0 and 1 of a model and of its reference on the same images. */
export function compare(correct: Uint8Array, reference: Uint8Array, confidence: number): Compared {
  return {
    images: correct.length,
    top1Percent: top1(correct, confidence),
    againstPp: bounds(pairedScoresPp(correct, reference, confidence)),
  };
}

function count(correct: Uint8Array): number {
  return correct.reduce((sum, value) => sum + value, 0);
}
