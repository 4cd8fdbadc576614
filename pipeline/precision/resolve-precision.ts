import { fail } from '../util/failure.ts';
import type { PrecisionChoice } from '../tensor/recorded/precision.ts';
import { bfloat16Obstacle, type PrecisionFacts } from './bfloat16-obstacle.ts';

/** What a job is told. measured: what is faster there, where it does no harm (`choosePrecision`). */
export type StepPrecision = 'float32' | 'bfloat16' | 'measured';

export interface ResolvedPrecision {
  readonly steps: StepPrecision;
  /** For people, without a full stop. */
  readonly note: string;
}

/** Relative held-out error of a refit; below it the rounding of bfloat16 shows in what a training reaches (docs/design.md, Engines). */
export const leastRefitError = 5e-3;

/**
 * What a setting comes to on a machine, before anything is computed.
 * @throws BlockForgeError `config-invalid` where bfloat16 is asked for and cannot be
 */
export function resolvePrecision(
  choice: PrecisionChoice,
  facts: PrecisionFacts,
  subject: string,
): ResolvedPrecision {
  if (choice === 'float32') return { steps: 'float32', note: 'distillation steps in float32, as asked for' };
  const obstacle = bfloat16Obstacle(facts);
  if (choice === 'auto') {
    if (obstacle !== undefined) {
      return { steps: 'float32', note: `distillation steps in float32: ${obstacle.found}` };
    }
    const where = `where that is clearly faster here and the refit's error is above ${leastRefitError}`;
    return { steps: 'measured', note: `distillation steps in bfloat16 ${where}, else in float32` };
  }
  if (obstacle === undefined) {
    return { steps: 'bfloat16', note: 'distillation steps in bfloat16, as asked for' };
  }
  const auto = '--set precision=auto, which takes bfloat16 where it can';
  return fail({
    reason: 'config-invalid',
    subject,
    found: `bfloat16, but ${obstacle.found}`,
    expected: 'auto or float32 on this machine',
    next: obstacle.remedy === undefined ? auto : `${obstacle.remedy}, or ${auto}`,
  });
}

/** What the environment of processes that compute adds: float32 means no TF32 on CUDA, which its libraries read when they are loaded. */
export function precisionEnvironment(choice: PrecisionChoice): Readonly<Record<string, string>> {
  return choice === 'float32' ? { NVIDIA_TF32_OVERRIDE: '0' } : {};
}
