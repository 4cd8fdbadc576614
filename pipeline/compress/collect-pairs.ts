import { joined } from '../util/joined.ts';
import type { Pairs } from './pairs.ts';
import type { LevelTokens } from './streams.ts';

/** Gathers the tokens that `visitLevels` shows into one `Pairs` per level, on the host. */
export interface PairCollector {
  add(level: number, tokens: LevelTokens): void;
  finish(): Pairs[];
}

export function createPairs(levels: number, width: number, tokensPerImage: number): PairCollector {
  const inputs: Float32Array[][] = Array.from({ length: levels }, () => []);
  const targets: Float32Array[][] = Array.from({ length: levels }, () => []);
  return {
    add(level, { input, target }) {
      inputs[level].push(input.dataSync<'float32'>());
      targets[level].push(target.dataSync<'float32'>());
    },
    finish: () =>
      inputs.map((parts, level) => ({
        inputs: joined(parts),
        targets: joined(targets[level]),
        tokensPerImage,
        width,
      })),
  };
}
