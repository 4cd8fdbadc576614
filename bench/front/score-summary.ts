import { bounds, meanInterval, proportionPercent, type Interval } from '../../pipeline/measure/interval.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';

/** What a table says of a model's scores. */
export interface ScoredTop1 {
  readonly top1Percent: Interval;
  /** KL(teacher || model), nats per image. */
  readonly kl: Interval;
}

export function scoreSummary(
  { correct, kl }: Pick<Scores, 'correct' | 'kl'>,
  confidence: number,
): ScoredTop1 {
  const right = correct.reduce((sum, value) => sum + value, 0);
  return {
    top1Percent: bounds(proportionPercent(right, correct.length, confidence)),
    kl: bounds(meanInterval(kl, confidence)),
  };
}
