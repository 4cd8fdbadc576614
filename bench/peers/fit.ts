import { join } from 'node:path';
import { reconstruction } from '../../pipeline/compress/order/reconstruction.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import { randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { matrix, mirrorLower, transposed } from '../../pipeline/tensor/float64/matrix.ts';
import { addProduct } from '../../pipeline/tensor/float64/product.ts';
import { random } from '../../pipeline/util/random.ts';
import type { Row } from './comparison.ts';
import { ownSide } from './measure.ts';

export interface FitCase {
  readonly title: string;
  /** D */
  readonly width: number;
  readonly hidden: number;
}

const ridge = 1e-4;

/**
 * Orders one block by reconstruction and refits it to 60, 50, 40 and 30 % of its units: host work in float64, on one thread, because the
 * blocks of a run are fitted beside each other. NumPy is asked on one thread and on as many as the engine has.
 */
export function fitRow({ title, width, hidden }: FitCase): Row {
  const widths = [0.6, 0.5, 0.4, 0.3].map((share) => Math.round(share * hidden));
  return {
    group: 'fit',
    title: `order and refit of a block of ${title}, float64, 1 thread`,
    async open({ engine, folder, peer }) {
      const numbers = random(1, 'order-refit');
      const uniform = (length: number) => Float32Array.from({ length }, () => numbers.next() - 0.5);
      const samples = matrix(hidden, hidden, Float64Array.from(uniform(hidden * hidden)));
      const covariance = matrix(hidden, hidden);
      const multiply = (): void =>
        addProduct(covariance, 1 / hidden, samples, transposed(samples), { lowerOnly: true });
      multiply();
      mirrorLower(covariance);
      const statistics = {
        count: hidden,
        mean: new Float64Array(hidden),
        covariance: covariance.data.slice(),
      };
      const weights = randomFfn(width, hidden, () => numbers.next() - 0.5);
      const peers = [];
      const file = join(folder, 'fit.safetensors');
      await writeSafetensors(file, {
        covariance: { shape: [hidden, hidden], data: statistics.covariance },
        fc2: { shape: [hidden, width], data: weights.fc2Kernel },
      });
      for (const threads of new Set([1, engine.threads])) {
        const python = await peer(threads);
        if (python === undefined) continue;
        const side = await python.prepare('fit', { file, widths, ridge });
        peers.push({ name: `NumPy, ${threads} thread${threads === 1 ? '' : 's'}`, side });
      }
      return {
        flop: 2 * (1.1 * hidden ** 3 + 1.5 * hidden ** 2 * width) + refitFlop(hidden, width, widths),
        ours: ownSide((count) => {
          let errors: number[] = [];
          for (let i = 0; i < count; i++) {
            const { units } = reconstruction({ statistics, weights, ridge });
            const fits = refit(weights, statistics, units, widths, { ridge, method: 'affine' });
            errors = fits.map(({ relativePredictedError }) => relativePredictedError);
          }
          return errors;
        }),
        products: {
          side: ownSide((count) => {
            for (let i = 0; i < count; i++) multiply();
            return [];
          }),
          flop: hidden ** 3,
        },
        peers,
        warmUp: 1,
        tolerance: 1e-6,
        close: () => undefined,
      };
    },
  };
}

/** `C W2`, a factorisation, its forward solution, and a backward one for every width. */
function refitFlop(hidden: number, width: number, widths: readonly number[]): number {
  const widest = Math.max(...widths);
  const solutions = widths.reduce((sum, k) => sum + k ** 2 * width, 0);
  return 2 * hidden ** 2 * width + widest ** 3 / 3 + widest ** 2 * width + solutions;
}
