import { joined } from '../util/joined.ts';
import { visitLevels, type LevelTokens, type Streams } from './streams.ts';

/** Inputs and targets of one block at one level of compression, the prefix first of every image's `tokensPerImage` rows. */
export interface Pairs {
  /** LN2's outputs [N, D] */
  readonly inputs: Float32Array;
  /** What the FFN should add to the residual stream [N, D] */
  readonly targets: Float32Array;
  readonly tokensPerImage: number;
  /** D */
  readonly width: number;
}

/** N / tokensPerImage. @throws RangeError where the arrays are no whole images of equal size. */
export function imagesIn({ inputs, targets, tokensPerImage, width }: Pairs): number {
  const images = inputs.length / (tokensPerImage * width);
  if (!Number.isInteger(images) || images < 1 || targets.length !== inputs.length) {
    const found = `${inputs.length} inputs and ${targets.length} targets`;
    throw new RangeError(`${found} are no images of ${tokensPerImage} tokens of width ${width}`);
  }
  return images;
}

/** The pairs of a block for all of its students. */
export interface StudentPairs {
  /** Inputs and outputs inside the teacher; every student sees them. */
  readonly teacher: Pairs;
  /** One per student: inputs behind a prefix compressed like it, and what restores the teacher's residual stream. */
  readonly own: readonly Pairs[];
}

/** Gathers the tokens that `visitLevels` shows into one `Pairs` per level, on the host. */
export interface PairCollector {
  add(level: number, tokens: LevelTokens): void;
  finish(): StudentPairs;
}

export function createPairs({ levels, model }: Streams, tokensPerImage: number): PairCollector {
  const { width } = model.architecture;
  const inputs: Float32Array[][] = Array.from({ length: levels }, () => []);
  const targets: Float32Array[][] = Array.from({ length: levels }, () => []);
  return {
    add(level, { input, target }) {
      inputs[level]!.push(input.dataSync<'float32'>());
      targets[level]!.push(target.dataSync<'float32'>());
    },
    finish() {
      const all = inputs.map((parts, level): Pairs => ({
        inputs: joined(parts),
        targets: joined(targets[level]!),
        tokensPerImage,
        width,
      }));
      return { teacher: all[0]!, own: all.slice(1) };
    },
  };
}

export interface PairSplit {
  /** As in `visitLevels`. */
  readonly rowsOf: (batch: number) => Int32Array;
  readonly isHeldOut: (batch: number) => boolean;
  /** Sampled tokens per image. */
  readonly sampled: number;
  readonly signal?: AbortSignal | undefined;
}

/** The pairs of all levels of one block, once, in memory: to train on, and to judge by. @throws `signal.reason` */
export async function collectPairs(
  streams: Streams,
  block: number,
  { rowsOf, isHeldOut, sampled, signal }: PairSplit,
): Promise<{ train: StudentPairs; heldOut: StudentPairs }> {
  const train = createPairs(streams, sampled);
  const heldOut = createPairs(streams, sampled);
  await visitLevels(streams, block, rowsOf, (level, tokens, batch) => {
    signal?.throwIfAborted();
    (isHeldOut(batch) ? heldOut : train).add(level, tokens);
  });
  return { train: train.finish(), heldOut: heldOut.finish() };
}
