import { imageSizeText, patchGrid, type ImageSize } from '../model/architecture.ts';
import { relativePositionCount, relativeTable } from '../model/family/relative-positions.ts';
import { fail } from '../util/failure.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';

/** What the table of the first block tells. */
export interface RelativeFacts {
  /** Of patches: those of the first size told that has as many relative positions, else of a square. */
  readonly grid: { readonly height: number; readonly width: number };
  /** The patches and the class token. */
  readonly tokens: number;
  readonly heads: number;
}

/**
 * What a table of biases of relative positions tells of a model; undefined where it has none.
 * @param told sizes of the images that other sources tell, best first
 * @throws BlockForgeError `checkpoint-unsupported`: two kinds of tables, one of no image's size, or no norm behind the blocks
 */
export function readRelative(
  { tensors, path }: StoredCheckpoint,
  naming: Naming,
  told: readonly ImageSize[],
  patchSize: number,
): RelativeFacts | undefined {
  if (naming.relativeTables === undefined) return undefined;
  const refuse = (found: string, expected: string): never =>
    fail({ reason: 'checkpoint-unsupported', subject: path, found, expected });
  if (naming.relativeTables === 'both')
    refuse('a table of relative positions for each block and one for all', 'one of both');
  if (tensors.has('lm_head.weight') && !tensors.has(naming.stored('norm.weight')[0]!))
    refuse(
      "a model of masked pre-training (transformers' BeitForMaskedImageModeling), whose last norm belongs to its lm_head",
      'a fine-tuned one, or a BeitModel whose norm was trained',
    );
  const name = naming.stored(relativeTable(0))[0]!;
  const shape = tensors.get(name)?.shape ?? [];
  const [count = 0, heads] = shape;
  const square = (Math.sqrt(count - 3) + 1) / 2;
  const fits = (grid: { height: number; width: number }): boolean =>
    relativePositionCount(grid.height, grid.width) === count;
  const grids = told.map((size) => patchGrid(size, patchSize)).filter((grid) => grid !== null);
  const grid = grids.find(fits) ?? (Number.isInteger(square) ? { height: square, width: square } : undefined);
  if (shape.length !== 2 || heads === undefined || grid === undefined) {
    const others = told.length === 0 ? '' : `, not of an image of ${told.map(imageSizeText).join(' or ')}`;
    return refuse(
      `relative positions of shape [${shape.join(', ')}] (${name})${others}`,
      'a row for every relative position of patches and three for the class token, as BEiT has them; for images that are no squares teacher.hints: { imageSize: [height, width] } (tables are not interpolated)',
    );
  }
  return { grid, tokens: grid.height * grid.width + 1, heads };
}
