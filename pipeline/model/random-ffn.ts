import type { FfnPart } from './ffn-names.ts';
import type { FfnWeights } from './ffn-weights.ts';

/** An FFN block of arbitrary values, for timings and tests: `value` is asked for every element, part after part. */
export function randomFfn(width: number, hidden: number, value: (part: FfnPart) => number): FfnWeights {
  const fill = (part: FfnPart, length: number) => Float32Array.from({ length }, () => value(part));
  return {
    width,
    hidden,
    fc1Kernel: fill('fc1Kernel', width * hidden),
    fc1Bias: fill('fc1Bias', hidden),
    fc2Kernel: fill('fc2Kernel', hidden * width),
    fc2Bias: fill('fc2Bias', width),
  };
}
