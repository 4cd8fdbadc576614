/**
 * The two halves of a block, each as one operation where the engine can (`tensor/recorded`), whatever the family. Where gradients are
 * taken, and on other engines, they are the backbone's own operations.
 */
import * as tf from '@tensorflow/tfjs-core';
import { recorded, type Given } from '../tensor/recorded/recorded.ts';
import type { Architecture } from './architecture.ts';
import type { HeadOnly, ModelTensors } from './backbone.ts';
import { backboneOf } from './backbones.ts';
import { ffnHidden, ffnList, ffnOfList, ffnOutput, type FfnTensors } from './ffn-tensors.ts';
import { ffnNames } from './ffn-weights.ts';

/** What a block makes on the way, by name: [B, T, D] each, of `ffn.hidden` [B, T, H]. */
export interface BlockFeatures {
  /** The residual stream after the tokens were mixed. */
  readonly 'attention.output': tf.Tensor;
  /** What fc1 is applied to. */
  readonly 'ffn.input': tf.Tensor;
  /** After GELU. */
  readonly 'ffn.hidden': tf.Tensor;
  /** Before it is joined to the stream. */
  readonly 'ffn.output': tf.Tensor;
  /** The residual stream after the block. */
  readonly output: tf.Tensor;
}

/** x [B, T, D], what block `block` receives -> the residual stream after its tokens were mixed. Caller disposes. */
export function mixTokens(model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  return part('mix', model, block, [x], (model, [x]) => [
    backboneOf(model.architecture).mix(model, block, x),
  ])[0];
}

/** As `mixTokens` of the last block, for the rows alone that the head reads: [B, T, D] -> [B, P, D]. Caller disposes. */
export function mixForHead(model: ModelTensors, x: tf.Tensor, headOnly: HeadOnly): tf.Tensor {
  const last = model.architecture.depth - 1;
  return part('mix for the head', model, last, [x], (model, [x]) => [headOnly.mix(model, x)])[0];
}

/**
 * A block from its mixed stream [..., D] on: token by token, so any choice of rows will do. Run inside a tidy, unless all
 * features are wanted; `attention.output` is `mixed` itself.
 */
export function ffnFeatures(
  model: ModelTensors,
  block: number,
  mixed: tf.Tensor,
  ffn: FfnTensors,
): BlockFeatures {
  const names = ['ffn.input', 'ffn.hidden', 'ffn.output', 'output'] as const;
  const found = afterMixing('features', model, block, mixed, ffn, (all) => names.map((name) => all[name]));
  const [input, hidden, result, output] = found as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return {
    'attention.output': mixed,
    'ffn.input': input,
    'ffn.hidden': hidden,
    'ffn.output': result,
    output,
  };
}

/** A block from its mixed stream [..., D] to the stream after it. Caller disposes. */
export function finishBlock(
  model: ModelTensors,
  block: number,
  mixed: tf.Tensor,
  ffn: FfnTensors,
): tf.Tensor {
  return afterMixing('ffn', model, block, mixed, ffn, ({ output }) => [output])[0];
}

/**
 * The way back through a whole block: x [B, T, D], what it receives, and `after`, the gradient at its output -> the gradient at x, and fc1's
 * input and the hidden units seen on the way. Caller disposes all three.
 */
export function blockGradient(
  model: ModelTensors,
  block: number,
  x: tf.Tensor,
  after: tf.Tensor,
  ffn: FfnTensors,
): { readonly before: tf.Tensor } & Pick<BlockFeatures, 'ffn.input' | 'ffn.hidden'> {
  const inputs = [x, after, ...ffnList(ffn)] as const;
  const [before, input, hidden] = part('gradient', model, block, inputs, (model, given) => {
    const [x, after, ...tensors] = given;
    const seen: tf.Tensor[] = [];
    const gradient = tf.grad((x: tf.Tensor): tf.Tensor => {
      const features = ffnFeatures(model, block, mixTokens(model, block, x), ffnOfList(tensors));
      // What is not kept is gone when the gradient is there.
      seen.push(tf.keep(features['ffn.input']), tf.keep(features['ffn.hidden']));
      return features.output;
    })(x, after);
    const features = seen.map((tensor) => tf.clone(tensor));
    tf.dispose(seen);
    return [gradient, ...features];
  }) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { before, 'ffn.input': input, 'ffn.hidden': hidden };
}

/** What the backbone and the FFN make of a mixed stream, or what `choose` takes of it. */
function afterMixing(
  name: string,
  model: ModelTensors,
  block: number,
  mixed: tf.Tensor,
  ffn: FfnTensors,
  choose: (all: Omit<BlockFeatures, 'attention.output'>) => readonly tf.Tensor[],
): [tf.Tensor, ...tf.Tensor[]] {
  const inputs = [mixed, ...ffnList(ffn)] as const;
  return part(name, model, block, inputs, (model, [mixed, ...tensors]) => {
    const backbone = backboneOf(model.architecture);
    const ffn = ffnOfList(tensors);
    const input = backbone.ffnInput(model, block, mixed);
    const hidden = ffnHidden(ffn, input, model.architecture.gelu);
    const result = ffnOutput(ffn, hidden);
    const output = backbone.join(model, block, mixed, result);
    return choose({ 'ffn.input': input, 'ffn.hidden': hidden, 'ffn.output': result, output });
  });
}

/** Runs `body` as one operation on `inputs`, the block's own weights, all but the teacher's FFN, and what all blocks share. */
function part<const Inputs extends readonly tf.Tensor[]>(
  name: string,
  { architecture, weights }: ModelTensors,
  block: number,
  inputs: Inputs,
  body: (model: ModelTensors, inputs: Given<Inputs>) => readonly tf.Tensor[],
): [tf.Tensor, ...tf.Tensor[]] {
  const ffn: readonly string[] = Object.values(ffnNames(block));
  const { blocksAlike = false, blockKey, shared = [] } = backboneOf(architecture);
  const place = `blocks.${block}.`;
  const own = Object.entries(weights).filter(
    ([name]) => (name.startsWith(place) && !ffn.includes(name)) || shared.includes(name),
  );
  const names = own.map(([name]) => (name.startsWith(place) ? name.slice(place.length) : name)).join();
  const facts = blockKey?.(architecture, block) ?? `${blocksAlike ? '' : block} ${keyOf(architecture)}`;
  return recorded(`${name} ${facts} ${names}`, [...inputs, ...own.map(([, tensor]) => tensor)], (tensors) => {
    const given = own.map(([name], index) => [name, tensors[inputs.length + index]] as const);
    const model = { architecture, weights: Object.fromEntries(given) as Record<string, tf.Tensor> };
    return body(model, tensors.slice(0, inputs.length) as unknown as Given<Inputs>);
  });
}

const keys = new WeakMap<Architecture, string>();

/** All that a forward pass reads of an architecture. */
function keyOf(architecture: Architecture): string {
  const known = keys.get(architecture) ?? JSON.stringify(architecture);
  keys.set(architecture, known);
  return known;
}
