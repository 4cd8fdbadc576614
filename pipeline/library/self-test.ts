import * as tf from '@tensorflow/tfjs-core';
import type { Gelu } from '../model/architecture.ts';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import { partOf, partsOf, type FfnWeights } from '../model/ffn-weights.ts';
import { fail } from '../util/failure.ts';
import { random } from '../util/random.ts';
import { largestDifference, referenceFfn } from './reference-ffn.ts';
import { sameBits } from './same-bits.ts';

export const selfTestVectors = 8;
export const selfTestTolerance = 1e-5;

/** [8, D]: standard normal, as a LayerNorm output roughly is. The same for every library with this width and seed. */
export function selfTestInput(width: number, seed: number): Float32Array {
  const draw = random(seed, 'self-test', width);
  return Float32Array.from({ length: selfTestVectors * width }, () => draw.normal());
}

/**
 * The gate of an exported descendant: what was read back from its file is, bit for bit, what is in the pipeline, and
 * the engine computes from it what float64 loops compute.
 * @returns the expected outputs [8, D], independent of the engine
 * @throws BlockForgeError `gate-failed`
 */
export function checkExported(
  id: string,
  inPipeline: FfnWeights,
  fromFile: FfnWeights,
  input: Float32Array,
  gelu: Gelu,
): Float32Array {
  for (const part of partsOf(inPipeline)) {
    if (!sameBits(partOf(inPipeline, part), partOf(fromFile, part))) {
      fail({
        reason: 'gate-failed',
        subject: `export of ${id}`,
        found: `${part} read back from the file differs from the pipeline's`,
        expected: 'the same bits',
        next: 'check the disk and give the same command again',
      });
    }
  }
  const expected = referenceFfn(inPipeline, input, gelu);
  const worst = largestDifference(engineFfn(fromFile, input, gelu), expected);
  if (!(worst <= selfTestTolerance)) {
    fail({
      reason: 'gate-failed',
      subject: `export of ${id}`,
      found: `outputs of the re-read file differ by ${worst.toExponential(1)} (share of the largest output)`,
      expected: `at most ${selfTestTolerance}`,
      next: 'report this: the engine and the reference disagree on the same weights',
    });
  }
  return expected;
}

function engineFfn(ffn: FfnWeights, input: Float32Array, gelu: Gelu): Float32Array {
  const tensors = uploadFfn(ffn);
  try {
    const x = tf.tensor2d(input, [input.length / ffn.width, ffn.width]);
    const y = applyFfn(tensors, x, gelu);
    const values = y.dataSync<'float32'>().slice();
    tf.dispose([x, y]);
    return values;
  } finally {
    disposeFfn(tensors);
  }
}
