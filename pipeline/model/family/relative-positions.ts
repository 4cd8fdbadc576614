import type { Architecture } from './family.ts';
import { extentOf } from './image-size.ts';

/** The tensor of a block [M, h] with a learned number for every relative position and every head. */
export function relativeTable(block: number): string {
  return `blocks.${block}.attn.relative_position_bias_table`;
}

/**
 * M: how many relative positions the tokens of an image have: `(2 rows - 1) (2 columns - 1)` of two patches, and three of the class
 * token: from it to a patch, from a patch to it, and to itself (Bao et al., "BEiT", 2022, as published).
 */
export function relativePositionCount(rows: number, columns: number): number {
  return (2 * rows - 1) * (2 * columns - 1) + 3;
}

/** Where the numbers of a table lie, for two patches axis by axis: so no list is as long as all pairs. */
export interface RelativePlaces {
  readonly rows: number;
  readonly columns: number;
  /** How many rows of the table are of two patches: those of one difference of rows together. */
  readonly ofPatches: number;
  /** For each pair of rows of patches, and of columns, the place of their difference. [rows rows], [columns columns] */
  readonly down: Int32Array;
  readonly right: Int32Array;
  /** Rows of the table from the class token to all tokens, itself first [T], and from every patch to it [T - 1]. */
  readonly fromClassToken: Int32Array;
  readonly toClassToken: Int32Array;
}

export function relativePlaces({ imageSize, patchSize }: Architecture): RelativePlaces {
  const { height, width } = extentOf(imageSize);
  const [rows, columns] = [height / patchSize, width / patchSize];
  const ofPatches = relativePositionCount(rows, columns) - 3;
  const fromClassToken = new Int32Array(rows * columns + 1).fill(ofPatches);
  fromClassToken[0] = ofPatches + 2;
  return {
    rows,
    columns,
    ofPatches,
    down: differences(rows),
    right: differences(columns),
    fromClassToken,
    toClassToken: new Int32Array(rows * columns).fill(ofPatches + 1),
  };
}

/** `own - other` of all pairs of so many places, from 0 on. */
function differences(count: number): Int32Array {
  return Int32Array.from(
    { length: count ** 2 },
    (_, pair) => Math.floor(pair / count) - (pair % count) + count - 1,
  );
}
