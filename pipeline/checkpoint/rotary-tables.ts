import { extentOf, prefixTokens, type Architecture } from '../model/architecture.ts';

/** Of DINOv3, the only published models with rotary positions alone. */
const temperature = 100;

/**
 * Cosines and sines [1, T, d] of DINOv3's rotary positions (Siméoni et al. 2025; timm's `RotaryEmbeddingDinoV3`): the middle of a patch in
 * [-1, 1], rows first, times 2 pi over a period from 1 to the temperature; 1 and 0 for tokens before the patches.
 */
export function rotaryTable(architecture: Architecture, of: (angle: number) => number): Float32Array {
  const { imageSize, patchSize, width, heads } = architecture;
  const { height, width: across } = extentOf(imageSize);
  const [rows, columns] = [height / patchSize, across / patchSize];
  const size = width / heads;
  const quarter = size / 4;
  const angles = (place: number, count: number): number[] =>
    Array.from(
      { length: quarter },
      (_, i) => (2 * Math.PI * ((2 * (place + 0.5)) / count - 1)) / temperature ** (i / quarter),
    );
  const table: number[] = [];
  for (let token = 0; token < prefixTokens(architecture); token++) {
    table.push(...new Array<number>(size).fill(of(0)));
  }
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const half = [...angles(row, rows), ...angles(column, columns)].map(of);
      table.push(...half, ...half);
    }
  }
  return Float32Array.from(table);
}
