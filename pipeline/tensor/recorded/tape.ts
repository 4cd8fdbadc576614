/**
 * Writes down what TensorFlow.js code does on the tensorflow backend, as the body of a TensorFlow function.
 *
 * Every kernel of that backend ends in `executeSingleOutput` or `executeMultipleOutputs` with the very operation, attributes and
 * tensors that a node of a graph needs, so nothing of the code is interpreted: gradients are recorded as what they compute.
 * Numbers that the code makes into tensors on the way become constants; what may differ from call to call must be an input.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelAttribute, TensorflowBackend, TensorflowBinding } from './backend.ts';
import type { Attribute, DataType, FunctionBody, FunctionNode } from './function-def.ts';
import { resultName } from './result-names.ts';

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

let current: Tape | undefined;

/** The tape that is being written, if any. */
export function currentTape(): Tape | undefined {
  return current;
}

/** Runs `body` without writing it down. */
export function offTape<T>(body: () => T): T {
  const tape = current;
  current = undefined;
  try {
    return body();
  } finally {
    current = tape;
  }
}

/**
 * Runs `body`, which computes `outputs` from `inputs` (no tensor twice), and writes it down.
 * Caller disposes the outputs.
 * @throws Unrecordable
 */
export function record(
  backend: TensorflowBackend,
  inputs: readonly tf.Tensor[],
  body: () => readonly tf.Tensor[],
): { readonly outputs: readonly tf.Tensor[]; readonly body: FunctionBody } {
  const nodes: FunctionNode[] = [];
  const symbols = new Map<object, Symbol>();
  const constants = new Map<object, tf.BackendValues>();
  const casts = new Map<string, Symbol>();

  const tape: Tape = {
    symbolOf(tensor) {
      const known = symbols.get(tensor.dataId);
      if (known !== undefined) return known;
      const values = constants.get(tensor.dataId);
      if (values === undefined) throw new Unrecordable('it reads a tensor that is not among its inputs');
      const symbol = constant(tape, tensor, values);
      symbols.set(tensor.dataId, symbol);
      return symbol;
    },
    node(op, inputs, attributes, result) {
      return { from: addNode(op, inputs, attributes)(0), ...result };
    },
    cast(symbol, type) {
      if (symbol.type === type) return symbol;
      const key = `${symbol.from} ${type}`;
      const known = casts.get(key);
      if (known !== undefined) return known;
      const attributes = { SrcT: { type: symbol.type }, DstT: { type }, Truncate: { bool: false } };
      const made = tape.node('Cast', [symbol], attributes, { type, shape: symbol.shape });
      casts.set(key, made);
      return made;
    },
    bind: (tensor, symbol) => void symbols.set(tensor.dataId, symbol),
  };

  /** The result with an index, as another node's input names it. */
  function addNode(
    op: string,
    inputs: readonly Symbol[],
    attributes: FunctionNode['attributes'],
  ): (index: number) => string {
    const result = resultName(op);
    if (result === undefined) throw new Unrecordable(`it uses ${op}, whose results have no known name`);
    const name = `n${nodes.length}`;
    nodes.push({ name, op, inputs: inputs.map(({ from }) => from), attributes });
    return (index) => `${name}:${result}:${index}`;
  }

  const write = (
    name: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: readonly tf.Tensor[],
  ): void => {
    const from = inputs.map((tensor) => tape.symbolOf(tensor));
    const [op, named] = inGraphTerms(name, attributesOf(attributes, backend.binding), from);
    const sized = withoutSizes(tape, op, from, constants, inputs);
    const output = addNode(op, sized, named);
    outputs.forEach((tensor, index) => {
      symbols.set(tensor.dataId, { from: output(index), type: typeOf(tensor.dtype), shape: tensor.shape });
    });
  };

  inputs.forEach((tensor, index) => {
    symbols.set(tensor.dataId, { from: `x${index}`, type: typeOf(tensor.dtype), shape: tensor.shape });
  });
  const restore = listen(backend, write, constants);
  current = tape;
  try {
    // What a call gives back is its caller's to dispose: also where it is an input, or one tensor twice.
    const outputs = tf.tidy(() => body().map((tensor) => tf.clone(tensor)));
    return {
      outputs,
      body: {
        inputs: inputs.map(({ dtype }) => typeOf(dtype)),
        nodes,
        outputs: outputs.map((tensor) => tape.symbolOf(tensor)).map(({ type, from }) => ({ type, from })),
      },
    };
  } finally {
    current = undefined;
    restore();
  }
}

/** Puts an ear between the kernels and the backend's own methods; returns what takes it away again. */
function listen(
  backend: TensorflowBackend,
  write: (
    name: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: readonly tf.Tensor[],
  ) => void,
  constants: Map<object, tf.BackendValues>,
): () => void {
  const plain = Object.getPrototypeOf(backend) as TensorflowBackend;
  const own: Pick<
    TensorflowBackend,
    'executeSingleOutput' | 'executeMultipleOutputs' | 'write' | 'readSync'
  > = {
    executeSingleOutput(name, attributes, inputs) {
      const output = plain.executeSingleOutput.call(backend, name, attributes, inputs);
      if (current !== undefined) write(name, attributes, inputs, [output]);
      return output;
    },
    executeMultipleOutputs(name, attributes, inputs, count) {
      const outputs = plain.executeMultipleOutputs.call(backend, name, attributes, inputs, count);
      if (current !== undefined) write(name, attributes, inputs, outputs);
      return outputs;
    },
    write(values, shape, dtype) {
      const dataId = plain.write.call(backend, values, shape, dtype);
      if (current !== undefined) constants.set(dataId, values);
      return dataId;
    },
    readSync(dataId) {
      if (current !== undefined) throw new Unrecordable('it reads a tensor back to the host');
      return plain.readSync.call(backend, dataId);
    },
  };
  Object.assign(backend, own);
  return () => {
    for (const name of Object.keys(own)) Reflect.deleteProperty(backend, name);
  };
}

/** TensorFlow.js multiplies matrices by the batched operation alone; in a graph the plain one is faster, and is what gets fused. */
function inGraphTerms(
  op: string,
  attributes: Readonly<Record<string, Attribute>>,
  inputs: readonly Symbol[],
): [string, Readonly<Record<string, Attribute>>] {
  const { T, adj_x, adj_y } = attributes;
  if (op === 'BatchMatMulV2' && inputs.every(({ shape }) => shape.length === 2)) {
    return ['MatMul', { T: T!, transpose_a: adj_x!, transpose_b: adj_y! }];
  }
  if (op === 'ExpandDims') return [op, { T: { type: inputs[0]!.type }, Tdim: { type: inputs[1]!.type } }];
  return [op, attributes];
}

/**
 * Recorded sizes hold for one batch size. Where the leading one can be left open, it is: the functions of two batch sizes are
 * then the same, byte by byte, and are registered once.
 */
function withoutSizes(
  tape: Tape,
  op: string,
  from: readonly Symbol[],
  constants: ReadonlyMap<object, tf.BackendValues>,
  inputs: readonly tf.TensorInfo[],
): readonly Symbol[] {
  const valuesOf = (index: number): number[] | undefined => {
    const values = constants.get(inputs[index]!.dataId);
    return values === undefined ? undefined : Array.from(values as Int32Array);
  };
  const [x] = from;
  if (op === 'Reshape') {
    const shape = valuesOf(1);
    if (shape === undefined || shape.length === 0 || shape.some((extent) => extent <= 0)) return from;
    return [x!, integers(tape, [-1, ...shape.slice(1)])];
  }
  if (op === 'Slice') {
    const [begin, size] = [valuesOf(1), valuesOf(2)];
    if (begin === undefined || size === undefined) return from;
    const open = size.map((extent, axis) => (begin[axis]! + extent === x!.shape[axis] ? -1 : extent));
    return [x!, integers(tape, begin), integers(tape, open)];
  }
  return from;
}

function integers(tape: Tape, values: readonly number[]): Symbol {
  return constantOf(tape, 'int32', [values.length], Int32Array.from(values));
}

function constant(tape: Tape, { dtype, shape }: tf.TensorInfo, values: tf.BackendValues): Symbol {
  const type = typeOf(dtype);
  const array =
    type === 'float32'
      ? Float32Array.from(values as Float32Array)
      : type === 'int32'
        ? Int32Array.from(values as Int32Array)
        : Uint8Array.from(values as Uint8Array);
  return constantOf(tape, type, shape, array);
}

/** Above this a constant is data that should have been an input, unless it is one value throughout. */
const largestConstant = 4096;

function constantOf(
  tape: Tape,
  type: DataType,
  shape: readonly number[],
  values: Float32Array | Int32Array | Uint8Array,
): Symbol {
  const isUniform = values.length > 1 && values.every((value) => value === values[0]);
  if (!isUniform && values.length > largestConstant) {
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

function attributesOf(
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

function typeOf(dtype: tf.DataType): DataType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Unrecordable(`it has a tensor of ${dtype}`);
}
