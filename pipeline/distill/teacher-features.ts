import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { head, walkBlocks } from '../model/encoder.ts';
import { recorded } from '../tensor/recorded/recorded.ts';

/**
 * What students learn from of one batch. B images, T tokens, D width. Of the last block the rows alone that the head reads
 * (P instead of T): of the others nothing comes.
 */
export interface TeacherFeatures {
  /** Of the first images, which go through the students' own blocks; undefined where there are none. */
  readonly own: OwnFeatures | undefined;
  /** By block, of the last images: what the teacher's block receives and what it answers, both [N, D]. */
  readonly given: readonly GivenFeatures[];
}

export interface OwnFeatures {
  /** The stream before the first FFN block [B, T, D]: no student has changed anything yet. */
  readonly first: tf.Tensor;
  /** The stream after every block [B, T, D]. */
  readonly after: readonly tf.Tensor[];
  /** [B, classes] */
  readonly logits: tf.Tensor;
}

export interface GivenFeatures {
  readonly input: tf.Tensor;
  readonly target: tf.Tensor;
}

/** How many of a batch's images are each, counted from its beginning and from its end; they may overlap. */
export interface FeatureShares {
  readonly own: number;
  readonly given: number;
}

/** One pass of the teacher over pixels [B, S, S, C], as one operation where the engine can. Caller disposes (`featureList`). */
export function teacherFeatures(
  model: ModelTensors,
  pixels: tf.Tensor4D,
  shares: FeatureShares,
): TeacherFeatures {
  const { architecture } = model;
  const names = Object.keys(model.weights);
  const found = recorded(
    `teacher for students ${JSON.stringify([architecture, shares])} ${names.join()}`,
    [pixels, ...names.map((name) => model.weights[name]!)],
    ([pixels, ...tensors]) => {
      const weights = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
      return featureList(observedFeatures({ architecture, weights }, pixels, shares));
    },
  );
  return featuresOf(found, shares, architecture.depth);
}

/** As `teacherFeatures`, part by part: for sizes that are met a few times only. Caller disposes. */
export function observedFeatures(
  model: ModelTensors,
  pixels: tf.Tensor,
  { own, given }: FeatureShares,
): TeacherFeatures {
  const { depth } = model.architecture;
  const images = pixels.shape[0];
  const found = tf.tidy((): tf.Tensor[] => {
    let first: tf.Tensor | undefined;
    const after: tf.Tensor[] = [];
    const pairs: GivenFeatures[] = [];
    const rows = (x: tf.Tensor): tf.Tensor => tf.reshape(part(x, images - given, given), [-1, x.shape[2]!]);
    const stream = walkBlocks(model, backboneOf(model.architecture).embed(model, pixels), {
      headOnly: true,
      visit(block, features) {
        const kept: tf.Tensor[] = [];
        if (own > 0) {
          if (block === 0) kept.push((first = part(features['attention.output'], 0, own)));
          const stream = part(features.output, 0, own);
          after.push(stream);
          kept.push(stream);
        }
        if (given > 0) {
          const pair = { input: rows(features['ffn.input']), target: rows(features['ffn.output']) };
          pairs.push(pair);
          kept.push(pair.input, pair.target);
        }
        return kept;
      },
    });
    const ownFeatures = first && { first, after, logits: head(model, part(stream, 0, own)) };
    return featureList({ own: ownFeatures, given: pairs });
  });
  return featuresOf(found, { own, given }, depth);
}

/** As `observedFeatures`, of all images both. Caller disposes. */
export function wholeFeatures(
  model: ModelTensors,
  pixels: tf.Tensor4D,
): TeacherFeatures & { readonly own: OwnFeatures } {
  const images = pixels.shape[0];
  const { own, given } = observedFeatures(model, pixels, { own: images, given: images });
  if (own === undefined) throw new RangeError('a batch without images');
  return { own, given };
}

/** All tensors of it, in one order. */
export function featureList({ own, given }: TeacherFeatures): tf.Tensor[] {
  return [
    ...(own === undefined ? [] : [own.first, own.logits, ...own.after]),
    ...given.flatMap(({ input, target }) => [input, target]),
  ];
}

/** What `featureList` was made of. */
export function featuresOf(
  tensors: readonly tf.Tensor[],
  { own, given }: FeatureShares,
  depth: number,
): TeacherFeatures {
  const ownCount = own > 0 ? 2 + depth : 0;
  const pairs = tensors.slice(ownCount);
  return {
    own: own > 0 ? { first: tensors[0]!, logits: tensors[1]!, after: tensors.slice(2, ownCount) } : undefined,
    given: Array.from({ length: given > 0 ? depth : 0 }, (_, block) => ({
      input: pairs[2 * block]!,
      target: pairs[2 * block + 1]!,
    })),
  };
}

/** Images [from, from + count) of x [B, ...]. */
function part(x: tf.Tensor, from: number, count: number): tf.Tensor {
  if (count === x.shape[0]) return tf.clone(x);
  const rest = x.shape.slice(1);
  return tf.slice(x, [from, ...rest.map(() => 0)], [count, ...rest]);
}
