import { random } from '../util/random.ts';
import type { Architecture } from './architecture.ts';
import { canonicalShapes, type HostWeights } from './host-weights.ts';

/**
 * Weights to train from: matrices, class token and positions from a normal distribution of deviation 0.02 cut at two
 * deviations (Dosovitskiy et al. 2021 and timm use the same family), norms 1, biases 0; convolutions before a ReLU with
 * deviation sqrt(2 / inputs) (He et al. 2015, as CCT has it). Equal seeds give equal bytes.
 */
export function initialWeights(architecture: Architecture, seed: number): HostWeights {
  const weights: HostWeights = {};
  for (const [name, shape] of Object.entries(canonicalShapes(architecture))) {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (/norm\d?\.weight$/.test(name)) data.fill(1);
    else if (!name.endsWith('.bias')) {
      const stream = random(seed, 'initial-weights', name);
      const deviation = name.startsWith('tokenizer.') ? Math.sqrt((2 * shape[0]!) / data.length) : 0.02;
      for (let i = 0; i < data.length; i++) data[i] = deviation * truncatedNormal(stream);
    }
    weights[name] = { shape, data };
  }
  return weights;
}

function truncatedNormal(stream: { normal(): number }): number {
  for (;;) {
    const value = stream.normal();
    if (Math.abs(value) <= 2) return value;
  }
}
