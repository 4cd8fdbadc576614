/**
 * Operations that TensorFlow has fused, or in bfloat16, inside of functions alone. Off the tape each is the plain code that it is given;
 * on a tape that code still gives the tensor, and what is written down is one node that computes the same.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isDifferentiating } from './differentiating.ts';
import { precision } from './precision.ts';
import { roundedToBfloat16 } from './rounded-to-bfloat16.ts';
import type { Symbol, Tape } from './symbol.ts';
import { currentTape, offTape } from './tape.ts';

/** What may be fused: a product with its bias, or with that and a GELU; LayerNorm. Which of it an engine has is tried (`usable-fusions.ts`). */
export type Fusion = 'bias' | FusedGelu | 'layerNorm';

let fusions: readonly Fusion[] = [];

/** Runs `body` with these fusions allowed. */
export function withFusions<T>(allowed: readonly Fusion[], body: () => T): T {
  const before = fusions;
  fusions = allowed;
  try {
    return body();
  } finally {
    fusions = before;
  }
}

/** As TensorFlow names what it can put behind a product. */
const activations = { exact: 'GeluExact', tanh: 'GeluApproximate' } as const;

/** The kinds of GELU that a product may end in. */
export type FusedGelu = keyof typeof activations;

export function isFusedGelu(kind: string): kind is FusedGelu {
  return kind in activations;
}

/** `x kernel + bias`, and GELU of that. x: [N, in], kernel: [in, out], bias: [out]; `plain` computes it. */
export function fusedProduct(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias: tf.Tensor,
  gelu: FusedGelu | undefined,
  plain: () => tf.Tensor,
): tf.Tensor {
  if (isDifferentiating() || precision() !== 'float32' || !fusions.includes(gelu ?? 'bias')) return plain();
  const fused = gelu === undefined ? ['BiasAdd'] : ['BiasAdd', activations[gelu]];
  return composite([x, kernel, bias], plain, (tape, inputs) => writeProduct(tape, inputs, fused));
}

/** LayerNorm of the rows. x: [N, D]; gamma, beta: [D]; `plain` computes it. */
export function fusedLayerNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
  plain: () => tf.Tensor,
): tf.Tensor {
  if (isDifferentiating() || !fusions.includes('layerNorm')) return plain();
  return composite([x, gamma, beta], plain, (tape, inputs) => writeLayerNorm(tape, inputs, epsilon));
}

/**
 * [..., M, K] x [..., K, N] after the transpositions asked for, in the precision of the moment: in bfloat16, factors and result
 * are rounded to it, the sums in between are float32. `plain` computes it in float32. Off the tape the same numbers come out, slowly.
 */
export function preciseProduct(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  plain: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  if (precision() === 'float32') return plain(a, b);
  const tape = currentTape();
  const rounded = (): tf.Tensor =>
    tf.tidy(() => roundedToBfloat16(plain(roundedFactor(a, tape), roundedFactor(b, tape))));
  return composite([a, b], rounded, (tape, inputs) => {
    const factors = inputs.map((input) => tape.cast(input, 'bfloat16'));
    const type = 'bfloat16' as const;
    const flags = [{ bool: transposeA }, { bool: transposeB }] as const;
    const result = { type, shape: [] };
    const product =
      a.rank === 2 && b.rank === 2
        ? tape.node('MatMul', factors, { T: { type }, transpose_a: flags[0], transpose_b: flags[1] }, result)
        : tape.node('BatchMatMulV2', factors, { T: { type }, adj_x: flags[0], adj_y: flags[1] }, result);
    return tape.cast(product, 'float32');
  });
}

/** What differentiates the product keeps its factors, rounded, so a tape has to know them. */
function roundedFactor(x: tf.Tensor, tape: Tape | undefined): tf.Tensor {
  const rounded = roundedToBfloat16(x);
  if (tape !== undefined && isDifferentiating()) {
    tape.bind(rounded, tape.cast(tape.cast(tape.symbolOf(x), 'bfloat16'), 'float32'));
  }
  return rounded;
}

function composite(
  inputs: readonly tf.Tensor[],
  plain: () => tf.Tensor,
  write: (tape: Tape, inputs: readonly Symbol[]) => Symbol,
): tf.Tensor {
  const tape = currentTape();
  if (tape === undefined) return plain();
  const symbols = inputs.map((tensor) => tape.symbolOf(tensor));
  const output = offTape(plain);
  tape.bind(output, { ...write(tape, symbols), shape: output.shape });
  return output;
}

/** `_FusedMatMul`, which oneDNN and cuBLASLt compute in one pass. */
function writeProduct(tape: Tape, inputs: readonly Symbol[], fused: readonly string[]): Symbol {
  const { type } = inputs[0]!;
  const attributes = {
    T: { type },
    transpose_a: { bool: false },
    transpose_b: { bool: false },
    num_args: { int: 1 },
    fused_ops: { strings: fused },
    epsilon: { float: 0 },
  };
  return tape.node('_FusedMatMul', inputs, attributes, { type, shape: [] });
}

/** `_MklLayerNorm`, oneDNN's. */
function writeLayerNorm(tape: Tape, inputs: readonly Symbol[], epsilon: number): Symbol {
  const { type, shape } = inputs[0]!;
  return tape.node('_MklLayerNorm', inputs, { T: { type }, epsilon: { float: epsilon } }, { type, shape });
}
