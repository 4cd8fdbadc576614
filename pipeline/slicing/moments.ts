import * as tf from '@tensorflow/tfjs-core';
import { createStatistics, type BlockStatistics } from '../compress/statistics.ts';
import { rowWeights, tokenWeights, type TokenWeights } from '../compress/token-weights.ts';
import { prefixTokens } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { linearLayer, rmsNormLayer } from '../model/layers.ts';
import { attentionHeads } from '../tensor/attention-heads.ts';
import { attention } from '../tensor/attention.ts';
import { linearGelu, mergeHeads } from '../tensor/ops.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sensitivity } from './sensitivity.ts';

/** What the axes of one layer are sorted by. Per head: [d, d]. */
export interface LayerMoments {
  /** Second moments of the queries, tokens weighted. */
  readonly queries: readonly Float64Array[];
  /** Second moments of the keys less their image's mean. */
  readonly keys: readonly Float64Array[];
  /** Covariances of what the heads put out, tokens weighted. */
  readonly outputs: readonly Float64Array[];
  /** Of the FFN's hidden units. */
  readonly hidden: BlockStatistics;
}

export interface ModelMoments {
  readonly layers: readonly LayerMoments[];
  /** Second moments [D, D] of the normalised stream, the mean over all places where it is read. */
  readonly stream: Float64Array;
}

/**
 * One walk of a folded model over embedded images, layer by layer, so that the statistics of one layer are in memory and the
 * streams of all images, [B, T, D] each. Takes over `streams`, also where it throws.
 * @throws RangeError without images
 */
export async function collectMoments(
  model: ModelTensors,
  streams: tf.Tensor[],
  { classShare }: Pick<Sensitivity, 'classShare'>,
  onLayer: (layer: number) => void,
): Promise<ModelMoments> {
  const { depth, width } = model.architecture;
  const prefix = prefixTokens(model.architecture);
  const stream = momentSum(width);
  const layers: LayerMoments[] = [];
  const tokens = streams[0]?.shape[1];
  if (tokens === undefined) throw new RangeError('no images to take the moments of a model on');
  try {
    for (let layer = 0; layer < depth; layer++) {
      const weights = tokenWeights(classShare[layer]!, tokens, prefix);
      layers.push(await layerMoments(model, layer, streams, weights, stream));
      onLayer(layer);
    }
    for (const x of streams) tf.tidy(() => stream.add(headInput(model, x), 2 * depth * x.shape[0]));
    return { layers, stream: stream.mean() };
  } finally {
    tf.dispose(streams);
  }
}

/** x [B, T, D] -> rows [N, D] of the last norm that the head reads. */
function headInput(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { pool, width } = model.architecture;
  const prefix = prefixTokens(model.architecture);
  const normed = rmsNormLayer(model, 'norm', x);
  return tf.reshape(pool === undefined ? tf.slice(normed, [0, 0, 0], [-1, prefix, -1]) : normed, [-1, width]);
}

async function layerMoments(
  model: ModelTensors,
  layer: number,
  streams: tf.Tensor[],
  weights: TokenWeights,
  stream: MomentSum,
): Promise<LayerMoments> {
  const { gelu, width } = model.architecture;
  const shape = layerShapes(model.architecture)[layer]!;
  const { heads, keySize, valueSize, hidden } = shape;
  const block = `blocks.${layer}`;
  const statistics = createStatistics(hidden);
  const queries = headSums(heads, keySize);
  const keys = headSums(heads, keySize);
  const outputs = headSums(heads, valueSize);
  try {
    for (const [index, x] of streams.entries()) {
      const [batch, tokens] = x.shape as [number, number];
      const rows = rowWeights(weights, batch * tokens, tokens);
      streams[index] = tf.tidy(() => {
        const root = tf.reshape(tf.sqrt(tf.tensor1d(rows)), [1, batch, tokens, 1]);
        const z = rmsNormLayer(model, `${block}.norm1`, x);
        stream.add(tf.reshape(z, [-1, width]), batch);
        const [q, k, v] = attentionHeads(linearLayer(model, `${block}.attn.qkv`, z), shape);
        const o = attention(q, k, v);
        const weighted = (t: tf.Tensor): tf.Tensor => tf.mul(tf.transpose(t, [1, 0, 2, 3]), root);
        queries.add(weighted(q), batch * tokens);
        keys.add(tf.transpose(tf.sub(k, tf.mean(k, 2, true)), [1, 0, 2, 3]), batch * tokens);
        outputs.add(weighted(o), batch * tokens, root);
        const mixed = tf.add(x, linearLayer(model, `${block}.attn.proj`, mergeHeads(o)));
        const z2 = rmsNormLayer(model, `${block}.norm2`, mixed);
        const flat = tf.reshape<tf.Rank.R2>(z2, [-1, width]);
        stream.add(tf.mul(flat, tf.reshape(root, [-1, 1])), batch);
        const { weights: tensors } = model;
        const h = linearGelu(
          flat,
          tensors[`${block}.mlp.fc1.weight`]!,
          tensors[`${block}.mlp.fc1.bias`]!,
          gelu,
        );
        statistics.add(h as tf.Tensor2D, rows);
        const output = linearLayer(model, `${block}.mlp.fc2`, h);
        return tf.add(mixed, tf.reshape(output, mixed.shape));
      });
      x.dispose();
      await nextTurn();
    }
    return {
      queries: queries.moments(),
      keys: keys.moments(),
      outputs: outputs.covariances(),
      hidden: statistics.finish(),
    };
  } finally {
    statistics.dispose();
  }
}

interface MomentSum {
  /** Rows [N, D], which count `weight` times all together. */
  add(rows: tf.Tensor, weight: number): void;
  mean(): Float64Array;
}

/** Sums in float64 of what the engine multiplies in float32, batch by batch. */
function momentSum(width: number): MomentSum {
  const sum = new Float64Array(width * width);
  let places = 0;
  return {
    add(rows, weight) {
      const products = tf.tidy(() =>
        tf.matMul(rows as tf.Tensor2D, rows as tf.Tensor2D, true, false).dataSync(),
      );
      const share = weight / rows.shape[0];
      for (let i = 0; i < sum.length; i++) sum[i]! += share * products[i]!;
      places += weight;
    },
    mean: () => sum.map((value) => value / places),
  };
}

interface HeadSums {
  /** [h, B, T, d], the roots of the tokens' weights on it; with `root` [1, B, T, 1] the means are summed, too. */
  add(perHead: tf.Tensor, tokens: number, root?: tf.Tensor): void;
  moments(): Float64Array[];
  covariances(): Float64Array[];
}

function headSums(heads: number, size: number): HeadSums {
  const products = new Float64Array(heads * size * size);
  const sums = new Float64Array(heads * size);
  let count = 0;
  const moments = (): Float64Array[] =>
    Array.from({ length: heads }, (_, head) =>
      products.slice(head * size * size, (head + 1) * size * size).map((value) => value / count),
    );
  return {
    add(perHead, tokens, root) {
      tf.tidy(() => {
        const rows = tf.reshape(perHead, [heads, -1, size]);
        const found = tf.matMul(rows, rows, true, false).dataSync<'float32'>();
        for (let i = 0; i < products.length; i++) products[i]! += found[i]!;
        if (root !== undefined) {
          const totals = tf.sum(tf.mul(perHead, root), [1, 2]).dataSync<'float32'>();
          for (let i = 0; i < sums.length; i++) sums[i]! += totals[i]!;
        }
      });
      count += tokens;
    },
    moments,
    covariances: () =>
      moments().map((matrix, head) =>
        matrix.map((value, at) => {
          const i = head * size + Math.floor(at / size);
          return value - (sums[i]! / count) * (sums[head * size + (at % size)]! / count);
        }),
      ),
  };
}
