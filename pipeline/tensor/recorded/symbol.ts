import type * as tf from '@tensorflow/tfjs-core';
import type { Attribute, DataType } from './function-def.ts';

/** The code does something that cannot become a function: the caller runs it as it is. */
export class Unrecordable extends Error {}

/** What stands for a tensor on the tape. */
export interface Symbol {
  readonly from: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

export interface Tape {
  /** @throws Unrecordable where the tensor came from outside and is no input */
  symbolOf(tensor: tf.TensorInfo): Symbol;
  /** A node with one result, of the type and shape given. */
  node(
    op: string,
    inputs: readonly Symbol[],
    attributes: Readonly<Record<string, Attribute>>,
    result: Pick<Symbol, 'type' | 'shape'>,
  ): Symbol;
  /** The same in another type; the same symbol every time it is asked for. */
  cast(symbol: Symbol, type: DataType): Symbol;
  /** From now on `symbol` stands for the tensor. */
  bind(tensor: tf.TensorInfo, symbol: Symbol): void;
}
