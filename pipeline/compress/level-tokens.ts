import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { teacherFfn } from '../model/ffn-tensors.ts';
import { ffnFeatures } from '../model/parts.ts';
import { unpack, type PackedTensors } from './packed-stream.ts';

/** Sampled tokens at one block: what its FFN gets, and what it should put out; [n, D] each. */
export interface LevelTokens {
  /** LN2's output, fc1's input */
  readonly input: tf.Tensor2D;
  readonly target: tf.Tensor2D;
}

/** Those of the teacher, whose target is its own output. */
export interface TeacherTokens extends LevelTokens {
  /** The teacher's stream after the block [n, D]. */
  readonly after: tf.Tensor2D;
}

/** `rows`: indices of the sampled tokens into the stream's. Caller disposes. */
export function teacherTokens(
  model: ModelTensors,
  block: number,
  stream: PackedTensors,
  rows: tf.Tensor1D,
): TeacherTokens {
  return tf.tidy(() => {
    const features = ffnFeatures(model, block, pick(stream, rows), teacherFfn(model, block));
    return {
      input: features['ffn.input'] as tf.Tensor2D,
      target: features['ffn.output'] as tf.Tensor2D,
      after: features.output as tf.Tensor2D,
    };
  });
}

/** Those of a compressed model, whose target brings its stream back to the teacher's. Caller disposes. */
export function ownTokens(
  model: ModelTensors,
  block: number,
  stream: PackedTensors,
  rows: tf.Tensor1D,
  { after }: Pick<TeacherTokens, 'after'>,
): LevelTokens {
  return tf.tidy(() => {
    const mixed = pick(stream, rows);
    const input = backboneOf(model.architecture).ffnInput(model, block, mixed) as tf.Tensor2D;
    const target: tf.Tensor2D = tf.sub(after, mixed);
    return { input, target };
  });
}

/** Both kinds with what a fit counts them for: 1 - `ownShare` and `ownShare`; without a kind that counts for nothing. */
export function sharedTokens(
  teacher: LevelTokens,
  own: LevelTokens,
  ownShare: number,
): readonly { readonly tokens: LevelTokens; readonly share: number }[] {
  return [
    { tokens: teacher, share: 1 - ownShare },
    { tokens: own, share: ownShare },
  ].filter(({ share }) => share > 0);
}

function pick({ values, scales }: PackedTensors, rows: tf.Tensor1D): tf.Tensor2D {
  return unpack({ values: tf.gather(values, rows), scales: tf.gather(scales, rows) });
}
