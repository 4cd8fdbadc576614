/**
 * Writes down what TensorFlow.js code does on the tensorflow backend, as the body of a TensorFlow function.
 *
 * Every kernel of that backend ends in `executeSingleOutput` or `executeMultipleOutputs` with the very operation, attributes and
 * tensors that a node of a graph needs, so nothing of the code is interpreted: gradients are recorded as what they compute.
 * Numbers that the code makes into tensors on the way become constants; what may differ from call to call must be an input.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelAttribute, TensorflowBackend } from './backend.ts';
import type { FunctionBody, FunctionNode } from './function-def.ts';
import { attributesOf, constant, inGraphTerms, typeOf, withoutSizes } from './graph-terms.ts';
import { resultName } from './result-names.ts';
import { Unrecordable, type Symbol, type Tape } from './symbol.ts';

let recording: Tape | undefined;
let isPaused = false;

/** The tape that is being written at this moment, if any. */
export function currentTape(): Tape | undefined {
  return isPaused ? undefined : recording;
}

/** Whether there is a tape, also while it is not written (`offTape`). */
export function isRecording(): boolean {
  return recording !== undefined;
}

/** Runs `body` without writing it down. */
export function offTape<T>(body: () => T): T {
  const before = isPaused;
  isPaused = true;
  try {
    return body();
  } finally {
    isPaused = before;
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
  if (recording !== undefined) throw new Error('a recording inside a recording');
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
    const valuesOf = (index: number): number[] | undefined => {
      const values = constants.get(inputs[index]!.dataId);
      return values === undefined ? undefined : Array.from(values as Int32Array);
    };
    const sized = withoutSizes(tape, op, from, valuesOf);
    const output = addNode(op, sized, named);
    outputs.forEach((tensor, index) => {
      symbols.set(tensor.dataId, { from: output(index), type: typeOf(tensor.dtype), shape: tensor.shape });
    });
  };

  inputs.forEach((tensor, index) => {
    symbols.set(tensor.dataId, { from: `x${index}`, type: typeOf(tensor.dtype), shape: tensor.shape });
  });
  const restore = listen(backend, write, constants);
  recording = tape;
  try {
    let results: FunctionBody['outputs'] = [];
    const outputs = tf.tidy(() => {
      // What a call gives back is its caller's to dispose: also where it is an input, or one tensor twice.
      const tensors = body().map((tensor) => tf.clone(tensor));
      results = tensors.map((tensor) => tape.symbolOf(tensor)).map(({ type, from }) => ({ type, from }));
      return tensors;
    });
    const types = inputs.map(({ dtype }) => typeOf(dtype));
    return { outputs, body: { inputs: types, nodes: needed(nodes, results), outputs: results } };
  } finally {
    recording = undefined;
    restore();
  }
}

/** The nodes that the results come from. */
function needed(nodes: readonly FunctionNode[], results: FunctionBody['outputs']): FunctionNode[] {
  const names = new Set(results.map(({ from }) => from.split(':')[0]));
  const backwards = nodes.toReversed().filter(({ name, inputs }) => {
    const isNeeded = names.has(name);
    if (isNeeded) inputs.forEach((input) => names.add(input.split(':')[0]));
    return isNeeded;
  });
  return backwards.reverse();
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
  const { executeSingleOutput, executeMultipleOutputs, write: plainWrite, readSync } = backend;
  const ears: Pick<
    TensorflowBackend,
    'executeSingleOutput' | 'executeMultipleOutputs' | 'write' | 'readSync'
  > = {
    executeSingleOutput: (name, attributes, inputs) => {
      const output = executeSingleOutput.call(backend, name, attributes, inputs);
      if (currentTape() !== undefined) write(name, attributes, inputs, [output]);
      return output;
    },
    executeMultipleOutputs: (name, attributes, inputs, count) => {
      const outputs = executeMultipleOutputs.call(backend, name, attributes, inputs, count);
      if (currentTape() !== undefined) write(name, attributes, inputs, outputs);
      return outputs;
    },
    write: (values, shape, dtype) => {
      const dataId = plainWrite.call(backend, values, shape, dtype);
      if (currentTape() !== undefined) constants.set(dataId, values);
      return dataId;
    },
    readSync: (dataId) => {
      // Constants are the same in every call, so what the code makes of them is too.
      const isFixed = currentTape() === undefined || constants.has(dataId);
      if (!isFixed) throw new Unrecordable('it reads a tensor back to the host');
      return readSync.call(backend, dataId);
    },
  };
  const before = Object.keys(ears).map(
    (name) => [name, Object.getOwnPropertyDescriptor(backend, name)] as const,
  );
  Object.assign(backend, ears);
  return () => {
    for (const [name, own] of before) {
      Reflect.deleteProperty(backend, name);
      if (own !== undefined) Object.defineProperty(backend, name, own);
    }
  };
}
