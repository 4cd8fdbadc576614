import { layerShapes } from '../model/family/layer-shapes.ts';
import { sliceSteps, type AxisScores, type ScoreAxes } from './axis-scores.ts';
import { changeAxes, type LayerAxes, type ModelAxes } from './change-axes.ts';
import { cutModel, type Kept } from './cut.ts';
import { cutOf, type ModelShape } from './shape.ts';
import type { SlicedModel } from './sliced-model.ts';

/**
 * The whole model with its parts in the order of their scores, highest first: the stream's channels, scored on the whole;
 * then the dimensions in each head, on what the cut of the stream leaves; then the hidden units, on what both leave: the
 * order that is published (ED-ViT, section 4).
 * @param classes rows of the head that the scores are about
 */
export async function scoredAxes(
  whole: SlicedModel,
  classes: Kept,
  shape: ModelShape,
  score: ScoreAxes,
): Promise<SlicedModel> {
  const shapes = layerShapes(whole.architecture);
  const { width } = whole.architecture;
  const all: ModelShape = {
    width,
    keySize: shapes[0]!.keySize,
    valueSize: shapes[0]!.valueSize,
    hidden: shapes[0]!.hidden,
  };
  const left: Record<(typeof sliceSteps)[number], ModelShape> = {
    stream: all,
    attention: { ...all, width: shape.width },
    ffn: { ...shape, hidden: all.hidden },
  };
  let model = whole;
  for (const step of sliceSteps) {
    const scores = await score(cutModel(model, cutOf(model.architecture, left[step], classes)), step);
    model = changeAxes(model, permutations(model, scores));
  }
  return model;
}

/** Axes that only change their order. */
function permutations(model: SlicedModel, { channels, layers }: AxisScores): ModelAxes {
  const { width } = model.architecture;
  const layerAxes = layerShapes(model.architecture).map(
    ({ heads, keySize, valueSize, hidden }, layer): LayerAxes => {
      const scores = layers?.[layer];
      const keys = ordersInHeads(heads, keySize, scores?.keys);
      const values = ordersInHeads(heads, valueSize, scores?.values);
      return {
        keys: keys.map((order) => ({ query: chooser(order, keySize), key: chooser(order, keySize) })),
        values: values.map((order) => ({
          down: chooser(order, valueSize),
          up: transposedChooser(order, valueSize),
        })),
        units: orderOf(hidden, scores?.units),
      };
    },
  );
  return { stream: transposedChooser(orderOf(width, channels), width), layers: layerAxes };
}

function orderOf(size: number, scores?: Float64Array): number[] {
  const order = Array.from({ length: size }, (_, index) => index);
  return scores === undefined ? order : order.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function ordersInHeads(heads: number, size: number, scores?: Float64Array): number[][] {
  // Heads of a model that was cut are as they were: only what is scored is put in order, the rest stays behind it.
  return Array.from({ length: heads }, (_, head) => {
    const found = scores === undefined ? 0 : scores.length / heads;
    const own = scores?.subarray(head * found, (head + 1) * found);
    const order = orderOf(found, own);
    return [...order, ...Array.from({ length: size - found }, (_, index) => found + index)];
  });
}

/** [n, n]: column i picks entry `order[i]`. */
function chooser(order: readonly number[], n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (const [i, from] of order.entries()) result[from * n + i] = 1;
  return result;
}

/** [n, n]: row i picks entry `order[i]`. */
function transposedChooser(order: readonly number[], n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (const [i, from] of order.entries()) result[i * n + from] = 1;
  return result;
}
