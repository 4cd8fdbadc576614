/**
 * One FFN block's trainable part as host arrays, row-major, in TensorFlow's [in, out] order:
 * `h = GELU(x W1 + b1)`, `y = h W2 + b2` with x the LayerNorm output. One index set over H prunes all three of
 * fc1's columns, fc1's bias and fc2's rows.
 */
export interface FfnWeights {
  /** D */
  readonly width: number;
  /** H, the hidden units that are left */
  readonly hidden: number;
  /** W1 [D, H] */
  readonly fc1Kernel: Float32Array;
  /** b1 [H] */
  readonly fc1Bias: Float32Array;
  /** W2 [H, D] */
  readonly fc2Kernel: Float32Array;
  /** b2 [D] */
  readonly fc2Bias: Float32Array;
}

/** Keeps the hidden units `kept`, in that order. Physical: the result holds no trace of the others. */
export function sliceFfn(weights: FfnWeights, kept: ArrayLike<number>): FfnWeights {
  const { width, hidden } = weights;
  const count = kept.length;
  const fc1Kernel = new Float32Array(width * count);
  const fc1Bias = new Float32Array(count);
  const fc2Kernel = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const unit = kept[i]!;
    if (!Number.isInteger(unit) || unit < 0 || unit >= hidden) {
      throw new RangeError(`hidden unit ${unit} is not one of 0..${hidden - 1}`);
    }
    fc1Bias[i] = weights.fc1Bias[unit]!;
    fc2Kernel.set(weights.fc2Kernel.subarray(unit * width, (unit + 1) * width), i * width);
    for (let d = 0; d < width; d++) fc1Kernel[d * count + i] = weights.fc1Kernel[d * hidden + unit]!;
  }
  return { width, hidden: count, fc1Kernel, fc1Bias, fc2Kernel, fc2Bias: weights.fc2Bias.slice() };
}

/** The parameters of an FFN block by what they are in a `FfnWeights`; every list of them has this order. */
export const ffnParts = ['fc1Kernel', 'fc1Bias', 'fc2Kernel', 'fc2Bias'] as const;
export type FfnPart = (typeof ffnParts)[number];

/** Their canonical names in a whole model, in the same order. As stored, kernels are [out, in]: fc1 [H, D], fc2 [D, H]. */
export function ffnNames(block: number): Readonly<Record<FfnPart, string>> {
  const mlp = `blocks.${block}.mlp`;
  return {
    fc1Kernel: `${mlp}.fc1.weight`,
    fc1Bias: `${mlp}.fc1.bias`,
    fc2Kernel: `${mlp}.fc2.weight`,
    fc2Bias: `${mlp}.fc2.bias`,
  };
}

/** Whether a canonical name is a parameter of some FFN block; all others make the frame. */
export function isFfnName(name: string): boolean {
  return /^blocks\.\d+\.mlp\./.test(name);
}

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
