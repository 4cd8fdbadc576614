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

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
