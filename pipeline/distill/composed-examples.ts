import * as tf from '@tensorflow/tfjs-core';
import type { Gelu } from '../tensor/ops.ts';
import { random, type Random } from '../util/random.ts';
import { imagesIn, type Pairs, type StudentPairs } from '../compress/pairs.ts';
import { weightedEnergy, weightedError, type Examples, type HeldOutPart } from './examples.ts';

export interface ComposedExampleOptions {
  readonly train: StudentPairs;
  /** The same of images that neither refit nor training has seen. */
  readonly heldOut: StudentPairs;
  /** Share of a batch that is drawn from the student's own pairs, to whole rows; default 0.5. */
  readonly ownShare?: number;
  /** How many of an image's tokens come before its patches. */
  readonly prefixTokens: number;
  /** That a drawn token is one of them; among them, and among the patches, all are equally likely. */
  readonly prefixProbability: number;
  readonly gelu: Gelu;
  readonly batchTokens: number;
  /** Names the stream of draws, e.g. `block-03`. */
  readonly block: string;
  readonly seed: number;
}

/**
 * Pairs in memory, drawn with replacement: every student learns on the inputs it will meet in a composition as well as on
 * the teacher's. All students draw the same rows of the same images, so that each trains as if alone. Held-out tokens
 * weigh what they are likely to be drawn, so a student's error is the expected normalised loss of unseen images.
 *
 * @throws RangeError where pairs are no whole images, students' pairs differ in size, a share is not in [0, 1], a kind
 * of token that is to be drawn does not exist, or held-out targets do not vary.
 */
export function composedExamples(options: ComposedExampleOptions): Examples {
  const { train, heldOut, ownShare = 0.5, gelu, batchTokens, block, seed } = options;
  const { width } = train.teacher;
  const students = train.own.length;
  check(options);
  const judged = heldOut.own.map((own) => [
    ...heldOutPart(heldOut.teacher, 1 - ownShare, options),
    ...heldOutPart(own, ownShare, options),
  ]);
  const energyPerToken = judged.map((parts) => weightedEnergy(parts, width));
  const ownRows = Math.round(ownShare * batchTokens);
  const rows = new Uint32Array(batchTokens);
  // Reused: the engine has copied them by the time the next batch is asked for.
  const buffers = train.own.map(() => ({
    x: new Float32Array(batchTokens * width),
    target: new Float32Array(batchTokens * width),
  }));
  return {
    students,
    width,
    gelu,
    energyPerToken,
    tokens: train.teacher.inputs.length / width,
    flopPerToken: 0,
    // eslint-disable-next-line @typescript-eslint/require-await -- files are read behind the same interface
    async *batches(firstStep) {
      for (let step = firstStep; ; step++) {
        const stream = random(seed, 'distill', block, step);
        drawRows(stream, train.own[0]!, options, rows.subarray(0, ownRows));
        drawRows(stream, train.teacher, options, rows.subarray(ownRows));
        copyRows(train.teacher, rows, ownRows, batchTokens, buffers[0]!);
        yield buffers.map(({ x, target }, student) => {
          copyRows(train.own[student]!, rows, 0, ownRows, { x, target });
          if (student > 0) {
            x.set(buffers[0]!.x.subarray(ownRows * width), ownRows * width);
            target.set(buffers[0]!.target.subarray(ownRows * width), ownRows * width);
          }
          const shape: [number, number] = [batchTokens, width];
          return { x: tf.tensor2d(x, shape), target: tf.tensor2d(target, shape) };
        });
      }
    },
    errorOf: (student, parameters) =>
      weightedError(judged[student]!, parameters, gelu, batchTokens) / energyPerToken[student]!,
    // Nothing of it stays on the engine.
    dispose: () => undefined,
  };
}

/** How tokens of an image are drawn. */
type TokenShares = Pick<ComposedExampleOptions, 'prefixTokens' | 'prefixProbability'>;

/**
 * Fills `rows` with row numbers of `pairs`, prefix tokens first. Their number is rounded up or down at random, such that
 * its mean is exact: a batch's loss has less noise than with a coin for every token, and the same expectation.
 */
function drawRows(
  stream: Random,
  pairs: Pairs,
  { prefixTokens, prefixProbability }: TokenShares,
  rows: Uint32Array,
): void {
  const { tokensPerImage } = pairs;
  const images = imagesIn(pairs);
  const prefixRows = Math.floor(prefixProbability * rows.length + stream.next());
  for (let i = 0; i < rows.length; i++) {
    const first = stream.integer(images) * tokensPerImage;
    rows[i] =
      i < prefixRows
        ? first + (prefixTokens === 1 ? 0 : stream.integer(prefixTokens))
        : first + prefixTokens + stream.integer(tokensPerImage - prefixTokens);
  }
}

/** Puts the rows of `pairs` that `rows` names at places [from, to) into the same places of `batch`. */
function copyRows(
  { inputs, targets, width }: Pairs,
  rows: Uint32Array,
  from: number,
  to: number,
  { x, target }: { readonly x: Float32Array; readonly target: Float32Array },
): void {
  for (let place = from; place < to; place++) {
    const start = rows[place]! * width;
    x.set(inputs.subarray(start, start + width), place * width);
    target.set(targets.subarray(start, start + width), place * width);
  }
}

/** With the probability of each row as its weight, `share` in all; nothing where the share is 0. */
function heldOutPart(
  pairs: Pairs,
  share: number,
  { prefixTokens, prefixProbability }: TokenShares,
): HeldOutPart[] {
  if (share === 0) return [];
  const { inputs, targets, tokensPerImage } = pairs;
  const images = imagesIn(pairs);
  const ofPrefix = (share * prefixProbability) / (images * prefixTokens);
  const ofPatch = (share * (1 - prefixProbability)) / (images * (tokensPerImage - prefixTokens));
  const weights = Float64Array.from({ length: images * tokensPerImage }, (_, row) =>
    row % tokensPerImage < prefixTokens ? ofPrefix : ofPatch,
  );
  return [{ inputs, targets, weights }];
}

function check({
  train,
  heldOut,
  ownShare = 0.5,
  prefixTokens,
  prefixProbability,
  batchTokens,
}: ComposedExampleOptions): void {
  for (const [name, value] of Object.entries({ ownShare, prefixProbability })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is ${value}, expected 0 to 1`);
  }
  if (!Number.isInteger(batchTokens) || batchTokens < 1)
    throw new RangeError(`batches of ${batchTokens} tokens`);
  if (train.own.length < 1 || train.own.length !== heldOut.own.length) {
    throw new RangeError(`${train.own.length} students, but held-out pairs of ${heldOut.own.length}`);
  }
  for (const { teacher, own } of [train, heldOut]) {
    for (const pairs of [teacher, ...own]) {
      imagesIn(pairs);
      if (pairs.width !== train.teacher.width || pairs.tokensPerImage !== train.teacher.tokensPerImage) {
        throw new RangeError('the pairs of a block have one width and one number of tokens per image');
      }
      const kinds = pairs.tokensPerImage === prefixTokens ? 'prefix' : prefixTokens === 0 ? 'patch' : 'both';
      if (kinds !== 'both' && prefixProbability !== (kinds === 'prefix' ? 1 : 0)) {
        throw new RangeError(`prefixProbability is ${prefixProbability}, but there are ${kinds} tokens only`);
      }
    }
    if (own.some(({ inputs }) => inputs.length !== own[0]!.inputs.length)) {
      throw new RangeError('the students have pairs of different numbers of images');
    }
  }
}
