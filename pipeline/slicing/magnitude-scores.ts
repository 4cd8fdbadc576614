import { layerShapes } from '../model/family/layer-shapes.ts';
import type { HostTensor } from '../model/host-weights.ts';
import type { ScoreAxes } from './axis-scores.ts';
import { streamAxis } from './stream-axis.ts';

/**
 * By the weights alone. A channel: the squares of all weights that write or read it. A dimension of keys or values: the
 * product of the lengths of what makes and what uses it. A hidden unit: its row of fc1 times its column of fc2, in length.
 */
export const magnitudeScores: ScoreAxes = ({ architecture, weights }, step) => {
  const shapes = layerShapes(architecture);
  if (step === 'stream') {
    const channels = new Float64Array(architecture.width);
    for (const [name, tensor] of Object.entries(weights)) {
      const axis = streamAxis(name);
      if (axis === undefined || tensor.shape.length < 2) continue;
      const sums = axis === 'first' ? rowSquares(tensor) : columnSquares(tensor);
      for (let i = 0; i < channels.length; i++) channels[i]! += sums[i]!;
    }
    return Promise.resolve({ channels });
  }
  const layers = shapes.map(({ heads, keySize, valueSize }, layer) => {
    const block = `blocks.${layer}`;
    if (step === 'ffn') {
      const made = rowSquares(weights[`${block}.mlp.fc1.weight`]!);
      const used = columnSquares(weights[`${block}.mlp.fc2.weight`]!);
      return { units: made.map((value, i) => Math.sqrt(value * used[i]!)) };
    }
    const rows = rowSquares(weights[`${block}.attn.qkv.weight`]!);
    const used = columnSquares(weights[`${block}.attn.proj.weight`]!);
    const keys = heads * keySize;
    return {
      keys: Float64Array.from({ length: keys }, (_, i) => Math.sqrt(rows[i]! * rows[keys + i]!)),
      values: Float64Array.from({ length: heads * valueSize }, (_, i) =>
        Math.sqrt(rows[2 * keys + i]! * used[i]!),
      ),
    };
  });
  return Promise.resolve({ layers });
};

function rowSquares({ shape, data }: HostTensor): Float64Array {
  const rows = shape[0]!;
  const columns = data.length / rows;
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += data[i * columns + j]! ** 2;
    return sum;
  });
}

/** Over the last axis. */
function columnSquares({ shape, data }: HostTensor): Float64Array {
  const columns = shape.at(-1) ?? 1;
  const sums = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) sums[i % columns]! += data[i]! ** 2;
  return sums;
}
