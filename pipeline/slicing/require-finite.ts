import { fail } from '../util/failure.ts';

/** @throws BlockForgeError `not-finite` where a sub-model's divergence from the teacher is no number */
export function requireFinite(kl: number, classes: number): void {
  if (Number.isFinite(kl)) return;
  fail({
    reason: 'not-finite',
    subject: `the sub-model of ${classes} classes`,
    found: `a divergence of ${kl} from the teacher after the refit`,
    expected: 'a number',
    next: 'raise slice.ridge, or give it more images (data.splits.calibration)',
  });
}
