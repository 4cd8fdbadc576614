/**
 * Token merging (ToMe; Bolya et al., "Token Merging: Your ViT But Faster", ICLR 2023) for every backbone whose blocks have attention: after
 * each attention, similar tokens are averaged, and the next attention counts each by how many it stands for. Nothing is trained and no
 * weight changes. B batch, T tokens (the prefix first), D width.
 */
import * as tf from '@tensorflow/tfjs-core';
import { layerShapes, prefixTokens } from '../../pipeline/model/architecture.ts';
import type { ModelTensors } from '../../pipeline/model/backbone.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { teacherFfn, type FfnTensors } from '../../pipeline/model/ffn-tensors.ts';
import { linearLayer } from '../../pipeline/model/layers.ts';
import { finishBlock } from '../../pipeline/model/parts.ts';
import { mergeHeads, product } from '../../pipeline/tensor/ops.ts';
import { recorded } from '../../pipeline/tensor/recorded/recorded.ts';
import { mergePlaces } from './merge-places.ts';

export interface MergingOptions {
  /** r: tokens that go after the attention of each layer, at most half of those there are. */
  readonly merged: readonly number[];
  /** The FFN of a layer; default: the model's own. Not disposed here. */
  readonly ffn?: ((block: number) => FfnTensors) | undefined;
}

/** A stream x [B, T, D], and how many tokens each of it stands for, [B, T]. */
interface Sized {
  readonly x: tf.Tensor;
  readonly sizes: tf.Tensor;
}

/**
 * pixels [B, S, S, C] -> logits [B, classes]. Of the last block only what the head reads is computed, which merging there could not change.
 * Caller disposes.
 * @throws RangeError for another number of layers, or blocks without attention: bugs
 */
export function mergingForward(
  model: ModelTensors,
  pixels: tf.Tensor,
  { merged, ffn = (block) => teacherFfn(model, block) }: MergingOptions,
): tf.Tensor2D {
  const { architecture } = model;
  const { depth } = architecture;
  if (merged.length !== depth) throw new RangeError(`${merged.length} numbers of tokens for ${depth} layers`);
  const { embed, pool, classify, headOnly } = backboneOf(architecture);
  return tf.tidy(() => {
    const x = embed(model, pixels);
    let stream: Sized = { x, sizes: tf.ones(x.shape.slice(0, 2)) };
    for (let block = 0; block < depth; block++) {
      const before = stream;
      const shortcut = block === depth - 1 ? headOnly?.(architecture) : undefined;
      const [after, sizes] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
        const mixing = mixSized(model, block, before);
        if (shortcut !== undefined) {
          return [finishBlock(model, block, shortcut.rows(mixing.mixed), ffn(block)), before.sizes];
        }
        const next = mergeTokens(mixing, before.sizes, merged[block]!, prefixTokens(architecture));
        return [finishBlock(model, block, next.x, ffn(block)), next.sizes];
      });
      stream = { x: after, sizes };
      tf.dispose(before.x);
    }
    return classify(model, pool(model, stream.x));
  });
}

/** What the attention half of a block gives, and what tokens are matched by. */
interface Mixed {
  /** The stream after the attention [B, T, D]. */
  readonly mixed: tf.Tensor;
  /** Of every token at an even place the highest cosine with one at an odd place [B, ceil(T / 2)], and which of these it is. */
  readonly best: tf.Tensor;
  readonly partner: tf.Tensor;
}

/** Proportional attention, `softmax(q k' / sqrt(d) + log size) v`, and the matching by its keys: one operation where the engine can. */
function mixSized(model: ModelTensors, block: number, { x, sizes }: Sized): Mixed {
  const { architecture, weights } = model;
  const { relationInputs, blocksAlike = false, blockKey } = backboneOf(architecture);
  if (relationInputs === undefined) throw new RangeError('these blocks have no keys to merge tokens by');
  const start = `blocks.${block}.`;
  const own = Object.entries(weights).filter(
    ([name]) => /^(norm1|attn)\b/.test(name.slice(start.length)) && name.startsWith(start),
  );
  const prefix = prefixTokens(architecture);
  const facts =
    blockKey?.(architecture, block) ?? `${blocksAlike ? '' : block} ${JSON.stringify(architecture)}`;
  const key = `merging ${prefix} ${facts} ${own.map(([name]) => name.slice(start.length)).join()}`;
  const [mixed, best, partner] = recorded(
    key,
    [x, sizes, ...own.map(([, tensor]) => tensor)],
    ([x, sizes, ...tensors]) => {
      const given = Object.fromEntries(own.map(([name], index) => [name, tensors[index]!]));
      const inner = { architecture, weights: given };
      const { heads, keySize, valueSize } = layerShapes(architecture)[block]!;
      const [batch, tokens] = x.shape as [number, number];
      const [queries, keys, values] = relationInputs(inner, block, x);
      const perHead = (t: tf.Tensor, size: number): tf.Tensor =>
        tf.transpose(tf.reshape(t, [batch, tokens, heads, size]), [0, 2, 1, 3]);
      const k = perHead(keys, keySize);
      const scores = product(tf.mul(perHead(queries, keySize), 1 / Math.sqrt(keySize)), k, false, true);
      const counted = tf.add(scores, tf.reshape(tf.log(sizes), [batch, 1, 1, tokens]));
      const attended = mergeHeads(product(tf.softmax(counted), perHead(values, valueSize)));
      const mixed = tf.add(x, linearLayer(inner, `${start}attn.proj`, attended));
      const cosines = cosinesOf(tf.mean(k, 1), prefix);
      return [mixed, tf.max(cosines, 2), tf.argMax(cosines, 2)];
    },
  ) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { mixed, best, partner };
}

/** keys [B, T, d] -> the cosines of all tokens at even places with those at odd ones behind the prefix, [B, ceil(T / 2), .]. */
function cosinesOf(keys: tf.Tensor, prefix: number): tf.Tensor {
  const [batch, tokens, size] = keys.shape as [number, number, number];
  const unit = tf.mul(keys, tf.rsqrt(tf.sum(tf.square(keys), 2, true)));
  // Pairs of neighbours side by side: two slices are the even and the odd ones.
  const even = Math.ceil(tokens / 2);
  const pairs = tf.reshape(
    tf.pad(unit, [
      [0, 0],
      [0, 2 * even - tokens],
      [0, 0],
    ]),
    [batch, even, 2 * size],
  );
  const first = oddPrefix(prefix);
  const odd = Math.floor(tokens / 2) - first;
  const left = tf.slice(pairs, [0, 0, 0], [-1, -1, size]);
  return product(left, tf.slice(pairs, [0, first, size], [-1, odd, size]), false, true);
}

/**
 * Bipartite soft matching: the r even tokens that are most like their partner join it; what pairs become is the mean of all that they stand for.
 * Run inside a tidy.
 * @param prefix the first tokens, which never join another and are never joined
 */
export function mergeTokens(
  { mixed, best, partner }: Mixed,
  sizes: tf.Tensor,
  merged: number,
  prefix: number,
): Sized {
  const [batch, tokens, width] = mixed.shape as [number, number, number];
  if (merged === 0) return { x: mixed, sizes };
  const partners = partner.dataSync<'int32'>().map((place) => place + oddPrefix(prefix));
  const places = mergePlaces(best.dataSync(), partners, { batch, tokens, merged, prefix });
  const left = tokens - merged;
  // Weighted tokens and their weights side by side, so that one sum finds both.
  const weights = tf.reshape(sizes, [batch * tokens, 1]);
  const rows = tf.concat([tf.mul(tf.reshape(mixed, [-1, width]), weights), weights], 1);
  const sums = tf.scatterND(tf.tensor2d(places, [batch * tokens, 1], 'int32'), rows, [
    batch * left,
    width + 1,
  ]);
  const [totals, counts] = tf.split(sums, [width, 1], 1) as [tf.Tensor, tf.Tensor];
  return {
    x: tf.reshape(tf.div(totals, counts), [batch, left, width]),
    sizes: tf.reshape(counts, [batch, left]),
  };
}

/** How many of the prefix are at odd places. */
function oddPrefix(prefix: number): number {
  return Math.floor(prefix / 2);
}
