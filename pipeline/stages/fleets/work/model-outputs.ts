import { withSafetensors, writeSafetensors } from '../../../model/safetensors.ts';

/** What a model says of `count` images, row by row. */
export interface ModelOutputs {
  readonly count: number;
  /** [count, D]: what the last layer takes. */
  readonly features: Float32Array;
  /** [count, outputs] */
  readonly logits: Float32Array;
}

export async function writeOutputs(path: string, { count, features, logits }: ModelOutputs): Promise<void> {
  const matrix = (data: Float32Array) => ({ shape: [count, count === 0 ? 0 : data.length / count], data });
  await writeSafetensors(path, { features: matrix(features), logits: matrix(logits) });
}

export async function readOutputs(path: string): Promise<ModelOutputs> {
  return withSafetensors(path, async (file) => ({
    count: file.info('logits').shape[0]!,
    features: await file.read('features'),
    logits: await file.read('logits'),
  }));
}

/** Some rows of a matrix [count, width], in the order given. */
export function rowsOf(matrix: Float32Array, count: number, rows: readonly number[]): Float32Array {
  const width = count === 0 ? 0 : matrix.length / count;
  const chosen = new Float32Array(rows.length * width);
  rows.forEach((row, index) => chosen.set(matrix.subarray(row * width, (row + 1) * width), index * width));
  return chosen;
}
