/** How what a kernel says is said in a graph: attributes, constants, and sizes that need not be fixed. */
import type * as tf from '@tensorflow/tfjs-core';
import type { KernelAttribute, TensorflowBinding } from './backend.ts';
import type { Attribute, DataType } from './function-def.ts';
import { Unrecordable, type Symbol, type Tape } from './symbol.ts';

/** TensorFlow.js multiplies matrices by the batched operation alone; in a graph the plain one is faster, and is what gets fused. */
export function inGraphTerms(
  op: string,
  attributes: Readonly<Record<string, Attribute>>,
  inputs: readonly Symbol[],
): [string, Readonly<Record<string, Attribute>>] {
  if (op === 'BatchMatMulV2' && inputs.every(({ shape }) => shape.length === 2)) {
    const { adj_x, adj_y, ...type } = attributes as Readonly<Record<'T' | 'adj_x' | 'adj_y', Attribute>>;
    return ['MatMul', { ...type, transpose_a: adj_x, transpose_b: adj_y }];
  }
  const [x, axis] = inputs;
  // Eager execution finds these two out; a graph wants to be told.
  if (op === 'ExpandDims' && x !== undefined && axis !== undefined) {
    return [op, { T: { type: x.type }, Tdim: { type: axis.type } }];
  }
  return [op, attributes];
}

/**
 * Recorded sizes hold for one batch size. Where the leading one can be left open, it is: the functions of two batch sizes are
 * then the same, byte by byte, and are registered once.
 */
export function withoutSizes(
  tape: Tape,
  op: string,
  from: readonly Symbol[],
  /** Of a constant input; undefined for another. */
  valuesOf: (index: number) => readonly number[] | undefined,
): readonly Symbol[] {
  const [x] = from;
  if (x === undefined) return from;
  if (op === 'Reshape') {
    const shape = valuesOf(1);
    if (shape === undefined || shape.length === 0 || shape.some((extent) => extent <= 0)) return from;
    return [x, integers(tape, [-1, ...shape.slice(1)])];
  }
  if (op === 'Slice') {
    const [begin, size] = [valuesOf(1), valuesOf(2)];
    if (begin === undefined || size === undefined) return from;
    const open = size.map((extent, axis) => (begin[axis]! + extent === x.shape[axis] ? -1 : extent));
    return [x, integers(tape, begin), integers(tape, open)];
  }
  return from;
}

function integers(tape: Tape, values: readonly number[]): Symbol {
  return constantOf(tape, 'int32', [values.length], Int32Array.from(values));
}

export function constant(tape: Tape, { dtype, shape }: tf.TensorInfo, values: tf.BackendValues): Symbol {
  const type = typeOf(dtype);
  const array =
    type === 'float32'
      ? Float32Array.from(values as Float32Array)
      : type === 'int32'
        ? Int32Array.from(values as Int32Array)
        : Uint8Array.from(values as Uint8Array);
  return constantOf(tape, type, shape, array);
}

/**
 * Above this a constant is data that should have been an input, unless it is one value throughout. Whole numbers are places of a
 * gathering, which a model's form fixes: as many as it has tokens and heads.
 */
const largestConstant: Readonly<Partial<Record<DataType, number>>> = { int32: 2 ** 20 };
const largestOther = 4096;

function constantOf(
  tape: Tape,
  type: DataType,
  shape: readonly number[],
  values: Float32Array | Int32Array | Uint8Array,
): Symbol {
  const isUniform = values.length > 1 && values.every((value) => Object.is(value, values[0]));
  if (!isUniform && values.length > (largestConstant[type] ?? largestOther)) {
    throw new Unrecordable(`it makes a tensor of ${values.length} values on the way`);
  }
  if (isUniform && type === 'float32') {
    const scalar = constantOf(tape, type, [], values.slice(0, 1));
    const attributes = { T: { type }, index_type: { type: 'int32' as const } };
    return tape.node('Fill', [integers(tape, shape), scalar], attributes, { type, shape });
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const attributes = { dtype: { type }, value: { tensor: { type, shape, bytes } } };
  return tape.node('Const', [], attributes, { type, shape });
}

export function attributesOf(
  attributes: readonly KernelAttribute[],
  binding: TensorflowBinding,
): Record<string, Attribute> {
  return Object.fromEntries(
    attributes.map(({ name, type, value }) => [name, attributeOf(name, type, value, binding)]),
  );
}

function attributeOf(name: string, kind: number, value: unknown, binding: TensorflowBinding): Attribute {
  const { TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_TYPE, TF_FLOAT, TF_INT32, TF_BOOL } = binding;
  if (kind === TF_ATTR_BOOL) return { bool: Boolean(value) };
  if (kind === TF_ATTR_INT && typeof value === 'number') return { int: value };
  if (kind === TF_ATTR_FLOAT && typeof value === 'number') return { float: value };
  if (kind === TF_ATTR_TYPE) {
    const type = new Map<unknown, DataType>([
      [TF_FLOAT, 'float32'],
      [TF_INT32, 'int32'],
      [TF_BOOL, 'bool'],
    ]).get(value);
    if (type !== undefined) return { type };
  }
  throw new Unrecordable(`its attribute ${name} is of no kind that is recorded`);
}

export function typeOf(dtype: tf.DataType): DataType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Unrecordable(`it has a tensor of ${dtype}`);
}
