import { eliminate } from '../compress/order/elimination.ts';
import { absoluteRidge } from '../compress/ridge.ts';
import type { BlockStatistics } from '../compress/statistics.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { ffnNames } from '../model/ffn-weights.ts';
import { factorise } from '../tensor/float64/cholesky.ts';
import { invertFactored } from '../tensor/float64/inverse.ts';
import { matrix, mirrorLower } from '../tensor/float64/matrix.ts';
import type { LayerAxes, ModelAxes } from './change-axes.ts';
import { keyBasis, valueBasis } from './head-bases.ts';
import type { LayerMoments, ModelMoments } from './moments.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { SlicedModel } from './sliced-model.ts';
import { eigen, times, transpose } from './spectral.ts';

/** Share of the mean diagonal that is added to a covariance of hidden units before they are eliminated. */
const ridge = 1e-4;

/**
 * Axes by reconstruction, ours: the stream by its principal axes, queries and keys by the singular directions of their
 * logits, values and hidden units by what they add to the stream in the metric of the gradients, units by backward
 * elimination on the error that is left when all others are refitted (`compress/order/reconstruction.ts`).
 * @param model the folded model that the moments are of
 */
export function reconstructionAxes(
  model: SlicedModel,
  { layers, stream }: ModelMoments,
  { metric }: Sensitivity,
): ModelAxes {
  const { width } = model.architecture;
  return {
    stream: eigen(stream, width).vectors,
    layers: layers.map((moments, layer) => layerAxes(model, layer, moments, metric[layer]!)),
  };
}

function layerAxes(
  model: SlicedModel,
  layer: number,
  { queries, keys, outputs, hidden }: LayerMoments,
  metric: Float64Array,
): LayerAxes {
  const { width } = model.architecture;
  const { keySize, valueSize } = layerShapes(model.architecture)[layer]!;
  const projection = model.weights[`blocks.${layer}.attn.proj.weight`]!;
  const columns = projection.shape[1]!;
  return {
    keys: queries.map((of, head) => keyBasis(of, keys[head]!, keySize)),
    values: outputs.map((of, head) => {
      const rows = new Float64Array(valueSize * width);
      for (let i = 0; i < valueSize; i++) {
        for (let d = 0; d < width; d++) {
          rows[i * width + d] = projection.data[d * columns + head * valueSize + i]!;
        }
      }
      return valueBasis(of, inMetric(rows, valueSize, metric, width), valueSize);
    }),
    units: unitOrder(hidden, model.weights[ffnNames(layer).fc2Kernel]!.data, metric, width),
  };
}

/** `R M R'` [n, n] of rows R [n, D] and the metric M [D, D]. */
function inMetric(rows: Float64Array, n: number, metric: Float64Array, width: number): Float64Array {
  return times(times(rows, metric, n, width, width), rows, n, width, n, true);
}

/** Most worth keeping first. `fc2` is stored [D, H]. */
function unitOrder(
  { mean, covariance }: BlockStatistics,
  fc2: Float32Array,
  metric: Float64Array,
  width: number,
): Int32Array {
  const hidden = mean.length;
  const { factor, ridge: used } = factorise(
    matrix(hidden, hidden, covariance),
    absoluteRidge(covariance, hidden, ridge),
  );
  invertFactored(factor);
  mirrorLower(factor);
  const original = transpose(Float64Array.from(fc2), width, hidden);
  const shrunk = times(factor.data, original, hidden, hidden, width);
  const refitted = original.map((value, at) => value - used * shrunk[at]!);
  const gram = matrix(hidden, hidden, inMetric(refitted, hidden, metric, width));
  const smallest = Float64Array.from(mean, (_, j) => 1 / (covariance[j * hidden + j]! + used));
  return eliminate(factor, gram, smallest).removed.reverse();
}
