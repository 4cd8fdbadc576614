/**
 * One FFN block's trainable part as host arrays, row-major, in TensorFlow's [in, out] order: `h = act(x W1 + b1)`, or, gated,
 * `h = act(x Wg + bg) (x W1 + b1)` (Shazeer, "GLU variants improve Transformer", 2020), and `y = h W2 + b2`, with x the LayerNorm
 * output. One index set over H prunes all of them: columns and biases of fc1 and of the gate, rows of fc2.
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
  /** Wg [D, H], of a gated block alone. */
  readonly gateKernel?: Float32Array | undefined;
  /** bg [H], of a gated block alone. */
  readonly gateBias?: Float32Array | undefined;
  /** W2 [H, D] */
  readonly fc2Kernel: Float32Array;
  /** b2 [D] */
  readonly fc2Bias: Float32Array;
}

const plainParts = ['fc1Kernel', 'fc1Bias', 'fc2Kernel', 'fc2Bias'] as const;
const gatedParts = ['fc1Kernel', 'fc1Bias', 'gateKernel', 'gateBias', 'fc2Kernel', 'fc2Bias'] as const;
export type FfnPart = (typeof gatedParts)[number];

/** The parameters of an FFN block by what they are in a `FfnWeights`; every list of them has this order. */
export function ffnParts(isGated: boolean): readonly FfnPart[] {
  return isGated ? gatedParts : plainParts;
}

/** Those that a block has. */
export function partsOf(ffn: Readonly<Partial<Record<FfnPart, unknown>>>): readonly FfnPart[] {
  return ffnParts(ffn.gateKernel !== undefined);
}

/** One of the parts of a block that has it. @throws Error where it has not: a bug */
export function partOf<T>(ffn: Readonly<Partial<Record<FfnPart, T | undefined>>>, part: FfnPart): T {
  const found = ffn[part];
  if (found === undefined) throw new Error(`a feed-forward block without ${part}`);
  return found;
}

/** What `make` gives for each part of a block. */
export function mapParts<T>(parts: readonly FfnPart[], make: (part: FfnPart) => T): FfnRecord<T> {
  return Object.fromEntries(parts.map((part) => [part, make(part)])) as unknown as FfnRecord<T>;
}

/** One value for each part of a block, those of the gate where it has one. */
export type FfnRecord<T> = Readonly<Record<(typeof plainParts)[number], T>> &
  Readonly<Partial<Record<'gateKernel' | 'gateBias', T | undefined>>>;

/** Shape of a part in [in, out] order. */
export function partShape(
  part: FfnPart,
  { width, hidden }: Pick<FfnWeights, 'width' | 'hidden'>,
): [number] | [number, number] {
  const shapes: Record<FfnPart, [number] | [number, number]> = {
    fc1Kernel: [width, hidden],
    fc1Bias: [hidden],
    gateKernel: [width, hidden],
    gateBias: [hidden],
    fc2Kernel: [hidden, width],
    fc2Bias: [width],
  };
  return shapes[part];
}

/** Keeps the hidden units `kept`, in that order. Physical: the result holds no trace of the others. */
export function sliceFfn(weights: FfnWeights, kept: ArrayLike<number>): FfnWeights {
  const { width, hidden } = weights;
  const count = kept.length;
  const units = Array.from({ length: count }, (_, i) => kept[i]!);
  for (const unit of units) {
    if (!Number.isInteger(unit) || unit < 0 || unit >= hidden) {
      throw new RangeError(`hidden unit ${unit} is not one of 0..${hidden - 1}`);
    }
  }
  const columns = (kernel: Float32Array, rows: number): Float32Array => {
    const result = new Float32Array(rows * count);
    for (const [i, unit] of units.entries()) {
      for (let d = 0; d < rows; d++) result[d * count + i] = kernel[d * hidden + unit]!;
    }
    return result;
  };
  const rows = (kernel: Float32Array): Float32Array => {
    const result = new Float32Array(count * width);
    for (const [i, unit] of units.entries()) {
      result.set(kernel.subarray(unit * width, (unit + 1) * width), i * width);
    }
    return result;
  };
  const cut: Readonly<Record<FfnPart, (values: Float32Array) => Float32Array>> = {
    fc1Kernel: (values) => columns(values, width),
    fc1Bias: (values) => columns(values, 1),
    gateKernel: (values) => columns(values, width),
    gateBias: (values) => columns(values, 1),
    fc2Kernel: rows,
    fc2Bias: (values) => values.slice(),
  };
  return { width, hidden: count, ...mapParts(partsOf(weights), (part) => cut[part](partOf(weights, part))) };
}

/**
 * Canonical names in a whole model. As stored, kernels are [out, in]: fc1 and the gate [H, D], fc2 [D, H].
 */
export function ffnNames(block: number): Readonly<Record<FfnPart, string>> {
  const mlp = `blocks.${block}.mlp`;
  return {
    fc1Kernel: `${mlp}.fc1.weight`,
    fc1Bias: `${mlp}.fc1.bias`,
    gateKernel: `${mlp}.gate.weight`,
    gateBias: `${mlp}.gate.bias`,
    fc2Kernel: `${mlp}.fc2.weight`,
    fc2Bias: `${mlp}.fc2.bias`,
  };
}

/** Whether a canonical name is a parameter of some FFN block; all others make the frame. */
export function isFfnName(name: string): boolean {
  return /^blocks\.\d+\.mlp\./.test(name);
}

/** An FFN block of arbitrary values, for timings and tests: `value` is asked for every element, part after part. */
export function randomFfn(
  width: number,
  hidden: number,
  value: (part: FfnPart) => number,
  isGated = false,
): FfnWeights {
  const extents = { width, hidden };
  const fill = (part: FfnPart) => {
    const length = partShape(part, extents).reduce((product, extent) => product * extent, 1);
    return Float32Array.from({ length }, () => value(part));
  };
  return { ...extents, ...mapParts(ffnParts(isGated), fill) };
}
