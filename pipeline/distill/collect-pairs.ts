import { joined } from '../util/joined.ts';
import type { StudentPairs } from './composed-examples.ts';
import type { Pairs } from './pairs.ts';
import { visitLevels, type LevelTokens, type Streams } from '../compress/streams.ts';

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
      inputs[level].push(input.dataSync<'float32'>());
      targets[level].push(target.dataSync<'float32'>());
    },
    finish() {
      const [teacher, ...own] = inputs.map((parts, level): Pairs => ({
        inputs: joined(parts),
        targets: joined(targets[level]),
        tokensPerImage,
        width,
      }));
      return { teacher, own };
    },
  };
}

export interface PairSplit {
  /** As in `visitLevels`. */
  readonly rowsOf: (batch: number) => Int32Array;
  readonly isHeldOut: (batch: number) => boolean;
  /** Sampled tokens per image. */
  readonly sampled: number;
  readonly signal?: AbortSignal;
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
