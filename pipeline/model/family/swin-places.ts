import type { SwinWindow } from './swin.ts';

/** The tokens of an image, row by row, in the order of the windows: moved, window by window, row by row. -> [T] */
export function windowTokens({ side, window, shift }: SwinWindow): Int32Array {
  const across = side / window;
  return Int32Array.from({ length: side ** 2 }, (_, at) => {
    const [index, inside] = [Math.floor(at / window ** 2), at % window ** 2];
    const row = Math.floor(index / across) * window + Math.floor(inside / window);
    const column = (index % across) * window + (inside % window);
    // What leaves on one side comes in on the other.
    return ((row + shift) % side) * side + ((column + shift) % side);
  });
}

/**
 * Of each token, window by window, which part of the image it is from: parts that are no neighbours in the image meet in windows at
 * the end of a moved one, and do not see each other. -> W windows of [N]
 */
export function windowParts({ side, window, shift }: SwinWindow): Int32Array[] {
  const part = (place: number): number => (place < side - window ? 0 : place < side - shift ? 1 : 2);
  const across = side / window;
  return Array.from({ length: across ** 2 }, (_, index) =>
    Int32Array.from({ length: window ** 2 }, (_, inside) => {
      const row = Math.floor(index / across) * window + Math.floor(inside / window);
      const column = (index % across) * window + (inside % window);
      return 3 * part(row) + part(column);
    }),
  );
}

/** Row of the bias table for every pair of a window's tokens, `(2 w - 1) (rows apart) + columns apart` from the far corner on. -> [N N] */
export function relativePositions(window: number): Int32Array {
  const tokens = window ** 2;
  return Int32Array.from({ length: tokens ** 2 }, (_, pair) => {
    const [own, other] = [Math.floor(pair / tokens), pair % tokens];
    const rows = Math.floor(own / window) - Math.floor(other / window) + window - 1;
    const columns = (own % window) - (other % window) + window - 1;
    return rows * (2 * window - 1) + columns;
  });
}

/** Subtracted from scores of tokens that do not see each other. */
export const apartStrength = 100;
