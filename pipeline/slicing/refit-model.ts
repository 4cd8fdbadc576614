import * as tf from '@tensorflow/tfjs-core';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createStatistics } from '../compress/statistics.ts';
import { splitJoint } from '../compress/targets.ts';
import { rowWeights, tokenWeights } from '../compress/token-weights.ts';
import { headNames, prefixTokens } from '../model/architecture.ts';
import type { Backbone, ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import type { LayerShape } from '../model/family/family.ts';
import type { HostTensor, HostWeights } from '../model/host-weights.ts';
import { linearLayer, rmsNormLayer } from '../model/layers.ts';
import { uploadTeacher, uploadWeights } from '../model/upload.ts';
import { attentionHeads } from '../tensor/attention-heads.ts';
import { attention } from '../tensor/attention.ts';
import { gelu, mergeHeads } from '../tensor/ops.ts';
import { leastSquares, type AffineLayer } from './least-squares.ts';
import { refittedLayers, type RefittedLayer } from './refitted-layers.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { SlicedModel } from './sliced-model.ts';

export interface RefitModelOptions {
  /** The layers to refit; the others stay as they were cut. Default: all. */
  readonly layers?: readonly RefittedLayer[] | undefined;
  /** Share of the mean diagonal of the inputs' covariance. */
  readonly ridge: number;
  readonly sensitivity: Pick<Sensitivity, 'classShare'>;
  /** What a head of the cut model is to say, of the logits [B, K] of the same head of the whole one. Default: the same. */
  readonly headTargets?: ((logits: tf.Tensor) => tf.Tensor) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLayer?: ((layer: number) => void) | undefined;
}

/** One batch of images in both models: streams [B, T, D] and [B, T, D']. */
interface Pair {
  readonly whole: tf.Tensor;
  readonly cut: tf.Tensor;
  /** What the heads of the cut model put out [B, T, h v]; between the two fits of the attention alone. */
  readonly heads?: tf.Tensor | undefined;
}

/** Rows of what a layer receives and of what it is to put out, [..., in] and [..., out]. */
interface Rows {
  readonly inputs: tf.Tensor;
  readonly targets: tf.Tensor;
}

/**
 * The closed-form compensation of every cut, our derivation. A walk through the whole model and the cut one side by side:
 * each layer of the cut one becomes the affine map that comes nearest, on what it *really* receives (all layers before it are
 * cut and refitted already), to what the whole one has there: its queries, keys, values and pre-activations as far as they
 * were kept, and at the two writers of a block whatever brings the cut stream back onto the kept part of the whole stream, so
 * that no layer hands on an error that the next can make up for.
 *
 * Memory: the streams of all images in both models. Time: about three forward passes of each.
 * @param whole the model in the axes it was cut along (`changeAxes`): what was kept is the beginning of each
 * @param cut a beginning of every axis of it (`cutModel`)
 * @param batches pixels [B, S, S, C], taken over
 */
export async function refitModel(
  whole: SlicedModel,
  cut: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  options: RefitModelOptions,
): Promise<SlicedModel> {
  const { layers: refitted = refittedLayers, headTargets = sameLogits } = options;
  const weights: HostWeights = { ...cut.weights };
  const teacher = uploadTeacher(whole.weights, whole.architecture);
  const student = uploadTeacher(cut.weights, cut.architecture);
  const tensors = student.weights as Record<string, tf.Tensor>;
  const { gelu: kind, width, depth } = cut.architecture;
  const prefix = prefixTokens(whole.architecture);
  const pairs: Pair[] = [];

  async function fit(
    layer: RefittedLayer,
    block: number | null,
    rows: (pair: Pair) => Rows,
    name = `blocks.${block}.${layer}`,
  ): Promise<void> {
    if (!refitted.includes(layer)) return;
    const share = block === null ? undefined : options.sensitivity.classShare[block];
    const weigh = (batch: number, tokens: number): Float32Array | undefined =>
      share === undefined
        ? undefined
        : rowWeights(tokenWeights(share, tokens, prefix), batch * tokens, tokens);
    const fitted = await fitLayer(pairs, rows, weigh, options.ridge);
    const stored = { [`${name}.weight`]: outputsFirst(fitted), [`${name}.bias`]: biasOf(fitted) };
    Object.assign(weights, stored);
    const uploaded = uploadWeights(stored, cut.architecture, Object.keys(stored));
    for (const [key, tensor] of Object.entries(uploaded)) {
      tensors[key]?.dispose();
      tensors[key] = tensor;
    }
  }

  try {
    const of = backboneOf(whole.architecture);
    const ofCut = backboneOf(cut.architecture);
    for await (const pixels of batches) {
      pairs.push(tf.tidy(() => ({ whole: of.embed(teacher, pixels), cut: ofCut.embed(student, pixels) })));
      pixels.dispose();
    }
    for (let index = 0; index < depth; index++) {
      const block = `blocks.${index}`;
      const shape = layerShapes(whole.architecture)[index]!;
      const kept = layerShapes(cut.architecture)[index]!;
      const wholeHeads = (x: tf.Tensor): [tf.Tensor, tf.Tensor, tf.Tensor] =>
        attentionHeads(
          linearLayer(teacher, `${block}.attn.qkv`, rmsNormLayer(teacher, `${block}.norm1`, x)),
          shape,
        );
      const wholeHidden = (x: tf.Tensor): tf.Tensor =>
        linearLayer(teacher, `${block}.mlp.fc1`, rmsNormLayer(teacher, `${block}.norm2`, x));
      const cutInput = (norm: string, x: tf.Tensor): tf.Tensor =>
        rmsNormLayer(student, `${block}.${norm}`, x);
      const cutHidden = (x: tf.Tensor): tf.Tensor =>
        gelu(linearLayer(student, `${block}.mlp.fc1`, cutInput('norm2', x)), kind);
      const backToWhole = ({ whole, cut }: Pick<Pair, 'whole' | 'cut'>): tf.Tensor =>
        tf.sub(tf.slice(whole, [0, 0, 0], [-1, -1, width]), cut);

      await fit('attn.qkv', index, ({ whole, cut }) => ({
        inputs: cutInput('norm1', cut),
        targets: keptHeads(wholeHeads(whole), shape.keySize, kept),
      }));
      await step(pairs, ({ whole, cut }) => {
        const attended = mergeHeads(attention(...wholeHeads(whole)));
        const qkv = linearLayer(student, `${block}.attn.qkv`, cutInput('norm1', cut));
        return {
          whole: tf.add(whole, linearLayer(teacher, `${block}.attn.proj`, attended)),
          cut: tf.clone(cut),
          heads: mergeHeads(attention(...attentionHeads(qkv, kept))),
        };
      });
      await fit('attn.proj', index, (pair) => ({ inputs: headsOf(pair), targets: backToWhole(pair) }));
      await step(pairs, (pair) => ({
        whole: tf.clone(pair.whole),
        cut: tf.add(pair.cut, linearLayer(student, `${block}.attn.proj`, headsOf(pair))),
      }));
      await fit('mlp.fc1', index, ({ whole, cut }) => ({
        inputs: cutInput('norm2', cut),
        targets: tf.slice(wholeHidden(whole), [0, 0, 0], [-1, -1, kept.hidden]),
      }));
      await step(pairs, ({ whole, cut }) => ({
        whole: tf.add(whole, linearLayer(teacher, `${block}.mlp.fc2`, gelu(wholeHidden(whole), kind))),
        cut: tf.clone(cut),
      }));
      await fit('mlp.fc2', index, (pair) => ({ inputs: cutHidden(pair.cut), targets: backToWhole(pair) }));
      await step(pairs, ({ whole, cut }) => ({
        whole: tf.clone(whole),
        cut: tf.add(cut, linearLayer(student, `${block}.mlp.fc2`, cutHidden(cut))),
      }));
      options.signal?.throwIfAborted();
      options.onLayer?.(index);
    }
    for (const [index, name] of headNames(whole.architecture).entries()) {
      const rows = ({ whole, cut }: Pair): Rows => ({
        inputs: headInput(ofCut.pool(student, cut), index, width),
        targets: headTargets(headLogits(of, teacher, whole)[index]!),
      });
      await fit('head', null, rows, name);
    }
    return { architecture: cut.architecture, weights };
  } finally {
    for (const pair of pairs) tf.dispose({ ...pair });
    teacher.dispose();
    student.dispose();
  }
}

/** Replaces every pair by the next one; nothing of the old one stays. */
async function step(pairs: Pair[], next: (pair: Pair) => Pair): Promise<void> {
  for (const [index, pair] of pairs.entries()) {
    pairs[index] = tf.tidy(() => ({ ...next(pair) }));
    tf.dispose({ ...pair });
    await nextTurn();
  }
}

/** What is kept of queries, keys and values, side by side [B, T, h (2 k + v)]; as cut, queries carry the ratio of the scales. */
function keptHeads(
  [q, k, v]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  wholeKeySize: number,
  { heads, keySize, valueSize }: LayerShape,
): tf.Tensor {
  const first = (x: tf.Tensor, size: number): tf.Tensor => tf.slice(x, [0, 0, 0, 0], [-1, heads, -1, size]);
  const scaled = tf.mul(first(q, keySize), Math.sqrt(keySize / wholeKeySize));
  return tf.concat([scaled, first(k, keySize), first(v, valueSize)].map(mergeHeads), 2);
}

async function fitLayer(
  pairs: readonly Pair[],
  rows: (pair: Pair) => Rows,
  weigh: (batch: number, tokens: number) => Float32Array | undefined,
  ridge: number,
): Promise<AffineLayer> {
  let statistics: ReturnType<typeof createStatistics> | undefined;
  let size = 0;
  try {
    for (const pair of pairs) {
      tf.tidy(() => {
        const { inputs, targets } = rows(pair);
        size = inputs.shape.at(-1) ?? 0;
        const joint = tf.concat([inputs, targets], inputs.rank - 1);
        const [batch, tokens] = joint.shape as [number, number];
        const width = joint.shape.at(-1) ?? 0;
        statistics ??= createStatistics(width);
        statistics.add(tf.reshape<tf.Rank.R2>(joint, [-1, width]), weigh(batch, tokens));
      });
      await nextTurn();
    }
    if (statistics === undefined) throw new RangeError('no images to refit a model on');
    const { statistics: inputs, targets } = splitJoint(statistics.finish(), size);
    return leastSquares(inputs, targets, ridge);
  } finally {
    statistics?.dispose();
  }
}

/** As checkpoints store it: [outputs, inputs]. */
function outputsFirst({ kernel, bias }: AffineLayer): HostTensor {
  const outputs = bias.length;
  const inputs = kernel.length / outputs;
  const data = new Float32Array(kernel.length);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) data[j * inputs + i] = kernel[i * outputs + j]!;
  }
  return { shape: [outputs, inputs], data };
}

function biasOf({ bias }: AffineLayer): HostTensor {
  return { shape: [bias.length], data: Float32Array.from(bias) };
}

function sameLogits(logits: tf.Tensor): tf.Tensor {
  return logits;
}

/** Of features [B, P D] side by side those of one token [B, D]. */
function headInput(features: tf.Tensor, index: number, width: number): tf.Tensor {
  return tf.slice(features, [0, index * width], [-1, width]);
}

/** The stream x [B, T, D] -> the logits of every head. */
function headLogits(
  { pool, classify, classifyEach }: Backbone,
  model: ModelTensors,
  x: tf.Tensor,
): readonly tf.Tensor[] {
  const pooled = pool(model, x);
  return classifyEach?.(model, pooled) ?? [classify(model, pooled)];
}

function headsOf({ heads }: Pair): tf.Tensor {
  if (heads === undefined) throw new Error('the heads are asked for before they are there');
  return heads;
}
