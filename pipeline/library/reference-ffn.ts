import type { Gelu } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';

/**
 * `act(x W1 + b1) W2 + b2`, or gated `(act(x Wg + bg) (x W1 + b1)) W2 + b2`, in float64, x: [n, D] -> [n, D]. Plain loops over a second implementation on purpose: the
 * self-test vectors must not depend on the engine, its threads or its rounding, and must be able to catch it.
 */
export function referenceFfn(ffn: FfnWeights, x: Float32Array, gelu: Gelu): Float32Array {
  const { width, hidden, fc1Kernel, fc1Bias, gateKernel, gateBias, fc2Kernel, fc2Bias } = ffn;
  const activation = activations[gelu];
  const y = new Float32Array(x.length);
  const row = new Float64Array(width);
  const layer = (kernel: Float32Array, bias: Float32Array, start: number): Float64Array => {
    const sums = Float64Array.from(bias);
    for (let d = 0; d < width; d++) {
      const value = x[start + d]!;
      for (let unit = 0; unit < hidden; unit++) sums[unit]! += value * kernel[d * hidden + unit]!;
    }
    return sums;
  };
  for (let start = 0; start < x.length; start += width) {
    const h = layer(fc1Kernel, fc1Bias, start);
    const gate = gateKernel && gateBias && layer(gateKernel, gateBias, start);
    row.set(fc2Bias);
    for (let unit = 0; unit < hidden; unit++) {
      const value = gate === undefined ? activation(h[unit]!) : activation(gate[unit]!) * h[unit]!;
      for (let d = 0; d < width; d++) row[d]! += value * fc2Kernel[unit * width + d]!;
    }
    y.set(row, start);
  }
  return y;
}

const activations: Readonly<Record<Gelu, (x: number) => number>> = {
  exact: geluExact,
  tanh: geluTanh,
  quick: (x) => x / (1 + Math.exp(-1.702 * x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
};

/** x Phi(x), Phi by its series around 0 (G. Marsaglia, J. Stat. Software 11(4), 2004), all terms of one sign. */
function geluExact(x: number): number {
  if (x > 8) return x;
  if (x < -8) return 0;
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return x * (0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI));
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Against max(1, largest |expected|), so that blocks with large outputs are held to the same relative bound. */
export function largestDifference(found: Float32Array, expected: Float32Array): number {
  let scale = 1;
  let worst = found.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    const difference = Math.abs(found[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Infinity;
    worst = Math.max(worst, difference);
  }
  return worst / scale;
}
