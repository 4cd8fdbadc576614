import * as tf from '@tensorflow/tfjs-core';
import { functionBackend } from '../tensor/recorded/backend.ts';
import type { Precision } from '../tensor/recorded/precision.ts';
import type { EngineName } from '../tensor/installed.ts';
import { fail } from '../util/failure.ts';
import { bfloat16Obstacle, type PrecisionFacts } from './bfloat16-obstacle.ts';
import { bfloat16Speedup, type ProductShape } from './bfloat16-speedup.ts';
import { processorFlags } from './planned-facts.ts';
import { leastRefitError, type StepPrecision } from './resolve-precision.ts';

/** Below this a product in bfloat16 is not clearly faster, and a step, of which products are a part, may be slower. */
const leastSpeedup = 1.2;

/**
 * In what the steps of one width are made, on the engine that is loaded: first what the machine has, then how harmful it would be,
 * then how fast it is.
 *
 * @param refitError held-out error, relative to the energy of the targets
 * @throws BlockForgeError `engine-unavailable` where bfloat16 was planned and this process cannot
 */
export function choosePrecision(
  planned: StepPrecision,
  refitError: number,
  shape: ProductShape,
  facts: PrecisionFacts = presentFacts(),
  speedup: (shape: ProductShape) => number = bfloat16Speedup,
): Precision {
  if (planned === 'float32') return 'float32';
  const obstacle = bfloat16Obstacle(facts);
  if (planned === 'measured') {
    const pays = obstacle === undefined && refitError > leastRefitError && speedup(shape) >= leastSpeedup;
    return pays ? 'bfloat16' : 'float32';
  }
  if (obstacle === undefined) return 'bfloat16';
  return fail({
    reason: 'engine-unavailable',
    subject: 'precision: bfloat16',
    found: obstacle.found,
    next: '--set precision=auto, which takes bfloat16 where it can',
  });
}

/** Of this process and its engine. */
function presentFacts(): PrecisionFacts {
  const backend = functionBackend();
  return {
    engine: tf.getBackend() as EngineName,
    device: backend?.isUsingGpuDevice === true ? 'gpu' : 'cpu',
    functions: backend !== undefined,
    flags: processorFlags(),
    environment: process.env,
  };
}
