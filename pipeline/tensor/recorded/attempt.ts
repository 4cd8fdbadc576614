import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from './backend.ts';
import { difference } from './difference.ts';
import { encodeFunction, type FunctionBody } from './function-def.ts';
import { record } from './tape.ts';

/** One or more. */
export type Results = [tf.Tensor, ...tf.Tensor[]];

/** Runs a function on tensors of the shapes that it was made for. Caller disposes. */
export type Compiled = (backend: TensorflowBackend, inputs: readonly tf.Tensor[]) => Results;

export type Body = (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[];

export type Attempt = Compiled | { readonly reason: string } | 'unclear';

/** Names of the functions of this process. */
const registered = new Set<string>();

/** How many functions this process has registered. */
export function functionCount(): number {
  return registered.size;
}

/**
 * Makes a function of what `body` does with `inputs` and compares the results of both on them (`difference`).
 * @throws Unrecordable, and whatever `body` throws
 */
export function attempt(
  backend: TensorflowBackend,
  inputs: readonly tf.Tensor[],
  body: Body,
  tolerance: number,
): Attempt {
  const tape = record(backend, inputs, () => body(inputs));
  const expected = tape.outputs;
  let results: readonly tf.Tensor[] = [];
  try {
    const name = register(backend, tape.body);
    const compiled: Compiled = (backend, inputs) =>
      backend.executeMultipleOutputs(name, [], inputs, expected.length) as Results;
    results = compiled(backend, inputs);
    const verdict = difference(results, expected, tolerance);
    return verdict === 'none' ? compiled : verdict === 'unclear' ? verdict : { reason: verdict };
  } catch (error) {
    const { message } = error as Error;
    // Too little memory says nothing about the function.
    if (/\bOOM\b|resource.?exhausted/i.test(message)) throw error;
    return { reason: message };
  } finally {
    tf.dispose([...expected, ...results]);
  }
}

/** Registers a body under a name made of its content: bodies that are equal share one function. */
function register({ binding }: TensorflowBackend, body: FunctionBody): string {
  // Not imported: browsers bundle this room, and only the tensorflow engine comes here.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256').update(encodeFunction('', body)).digest('hex');
  const name = `blockforge_${digest.slice(0, 20)}`;
  if (!registered.has(name)) {
    binding.addFunction(encodeFunction(name, body));
    registered.add(name);
  }
  return name;
}
