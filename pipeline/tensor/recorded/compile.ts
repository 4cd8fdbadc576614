import * as tf from '@tensorflow/tfjs-core';
import { attempt, type Attempt, type Body, type Compiled } from './attempt.ts';
import type { TensorflowBackend } from './backend.ts';
import { withFusions, type Fusion } from './fused.ts';
import { precision } from './precision.ts';
import { standIns } from './stand-ins.ts';
import { Unrecordable } from './symbol.ts';
import { usableFusions } from './usable-fusions.ts';

/** Of root mean squares: what rounding may do in a deep network, and no wrong operation would. */
const tolerances = { float32: 0.01, bfloat16: 0.1 };

/**
 * Makes a function of what `body` does with tensors of these shapes, or says why that cannot be.
 *
 * The answer is one of code, shapes and engine alone, the same in every process: what is recorded and compared is computed from made-up
 * numbers. So a run that goes on after an interruption computes as before, and a tensor that the body has from elsewhere shows.
 *
 * @throws whatever `body` throws
 */
export function compile(
  backend: TensorflowBackend,
  shapes: readonly tf.TensorInfo[],
  body: Body,
): Compiled | { readonly reason: string } {
  const reasons: string[] = [];
  try {
    for (const fusions of [usableFusions(backend), []]) {
      const made = compileWith(fusions, backend, shapes, body);
      if (typeof made === 'function') return made;
      reasons.push(made.reason);
      if (fusions.length === 0) break;
    }
  } catch (error) {
    if (!(error instanceof Unrecordable)) throw error;
    reasons.push(error.message);
  }
  return { reason: reasons.join('; ') };
}

function compileWith(
  fusions: readonly Fusion[],
  backend: TensorflowBackend,
  shapes: readonly tf.TensorInfo[],
  body: Body,
): Exclude<Attempt, 'unclear'> {
  for (const signs of ['both', 'positive'] as const) {
    const inputs = standIns(shapes, signs);
    try {
      const made = withFusions(fusions, () => attempt(backend, inputs, body, tolerances[precision()]));
      if (made !== 'unclear') return made;
    } finally {
      tf.dispose(inputs);
    }
  }
  return { reason: 'it gives no finite number for made-up inputs' };
}
