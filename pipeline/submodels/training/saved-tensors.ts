import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import type { TrainingState } from '../../tensor/training-state.ts';

/** The arrays of a checkpoint, held against what the run that is put back has. */
export interface SavedTensors {
  /** A copy. @throws Error where it is not there or of another length */
  readonly array: (name: string, length: number) => Float32Array;
  /** Tensors of the names and shapes of `like`, saved below `prefix`. Caller disposes. @throws Error as `array` */
  readonly read: (prefix: string, like: Tensors) => Tensors;
}

export function savedTensors({ tensors }: TrainingState): SavedTensors {
  const array = (name: string, length: number): Float32Array => {
    const found = tensors[name];
    if (found?.length === length) return found.slice();
    throw new Error(`checkpoint: ${name} has ${found?.length ?? 'no'} values, expected ${length}`);
  };
  return {
    array,
    read: (prefix, like) =>
      Object.fromEntries(
        Object.entries(like).map(([name, { size, shape }]) => [
          name,
          tf.tensor(array(`${prefix}/${name}`, size), shape),
        ]),
      ),
  };
}
