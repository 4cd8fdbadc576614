import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../../model/backbone.ts';
import { backboneOf } from '../../model/backbones.ts';
import { blockName, prefixTokens } from '../../model/architecture.ts';
import { forward, type FeatureName } from '../../model/encoder.ts';
import type { RelationName } from './needs-teacher.ts';
import type { RelationPlace } from './relation-places.ts';

/** What a training looks at in a model, of B images. */
export interface Answers {
  /** [B, F]: what the heads take. */
  readonly pooled: tf.Tensor;
  /** [B, outputs] of each head, that of the class token first; one in most families. */
  readonly heads: readonly [tf.Tensor, ...tf.Tensor[]];
  /** [B, outputs]: what the model answers, the mean of its heads. */
  readonly logits: tf.Tensor;
  /** Queries, keys and values of the tokens that are compared; absent without a place. */
  readonly relations: Readonly<Record<RelationName, RelationInput>> | undefined;
}

/** x [B, T', h size], heads side by side. */
export interface RelationInput {
  readonly x: tf.Tensor;
  readonly size: number;
}

/** One pass through a model, pixels [B, S, S, C]. Differentiable; run inside a tidy. */
export function answersOf(model: ModelTensors, pixels: tf.Tensor, place: RelationPlace | undefined): Answers {
  const { classifyEach, relationInputs } = backboneOf(model.architecture);
  const before = place && streamInto(place.block);
  const { logits, features } = forward(model, pixels, {
    capture: before === undefined ? ['pooled'] : ['pooled', before],
  });
  const { pooled } = features;
  const heads = (classifyEach?.(model, pooled) ?? [logits]) as Answers['heads'];
  if (place === undefined || before === undefined || relationInputs === undefined) {
    return { pooled, heads, logits, relations: undefined };
  }
  const all = relationInputs(model, place.block, features[before]!);
  const [q, k, v] = all.map((x) => sharedTokens(x, prefixTokens(model.architecture), place.shared)) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const { sizes } = place;
  const relations = { q: { x: q, size: sizes.q }, k: { x: k, size: sizes.k }, v: { x: v, size: sizes.v } };
  return { pooled, heads, logits, relations };
}

/** The feature that a block receives. */
function streamInto(block: number): FeatureName {
  return block === 0 ? 'embedding' : (`${blockName(block - 1)}.output` as FeatureName);
}

/** Of [B, T, D] the first `shared` tokens and what follows the `prefix`. */
function sharedTokens(x: tf.Tensor, prefix: number, shared: number): tf.Tensor {
  if (prefix === shared) return x;
  const patches = tf.slice(x, [0, prefix, 0], [-1, -1, -1]);
  return shared === 0 ? patches : tf.concat([tf.slice(x, [0, 0, 0], [-1, shared, -1]), patches], 1);
}
