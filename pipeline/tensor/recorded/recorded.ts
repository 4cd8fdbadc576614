/**
 * Plain TensorFlow.js code as one native operation. On the tensorflow engine the code runs once with every kernel call written down; the
 * tape becomes a TensorFlow function, and from then on one call does the work of hundreds. What that saves is the cost of an
 * operation (10 microseconds and more each), and what fused operations save (`fused.ts`). Everywhere else the code simply runs.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Compiled, Results } from './attempt.ts';
import { functionBackend } from './backend.ts';
import { compile } from './compile.ts';
import { isDifferentiating } from './differentiating.ts';
import { isPlain } from './plainly.ts';
import { precision } from './precision.ts';
import { isRecording } from './tape.ts';

/** By code, precision and shapes; a reason where the code has to run as it is. */
const made = new Map<string, Compiled | { readonly reason: string }>();

/** A tensor for each of `Inputs`. */
export type Given<Inputs extends readonly tf.Tensor[]> = { readonly [Place in keyof Inputs]: tf.Tensor };

/**
 * Runs `body` on `inputs`; caller disposes what it returns. `key` names the code and everything that it reads beside its inputs: two calls
 * with equal keys, precisions and shapes must be the same computation. Numbers that change from call to call are inputs (scalars).
 * `body` computes: it keeps nothing, reads nothing back to the host, and draws no random numbers.
 *
 * Where gradients are being taken, or an outer `recorded` is being written down, the body becomes part of that. Where trying it on made-up
 * inputs shows that it cannot be recorded or comes out otherwise as a function, it runs as it is (`runsAsItIs` says why). So it does
 * throughout with BLOCKFORGE_FUNCTIONS=off.
 */
export function recorded<const Inputs extends readonly tf.Tensor[]>(
  key: string,
  inputs: Inputs,
  body: (inputs: Given<Inputs>) => readonly tf.Tensor[],
): Results {
  const run = (tensors: readonly tf.Tensor[]) => body(tensors as unknown as Given<Inputs>);
  const isPart = isRecording() || isDifferentiating();
  // The backend first: in browsers there is no environment to ask whether code shall run as it is.
  const found = isPart ? undefined : functionBackend();
  const backend = found === undefined || isPlain() ? undefined : found;
  if (backend === undefined) return asItIs(inputs, run);

  // A tensor that comes twice is one argument: a function with two would not notice where the next call's differ.
  const unique = inputs.filter((tensor, index) => placeOf(tensor, inputs) === index);
  const places = inputs.map((tensor) => placeOf(tensor, unique));
  const shapes = unique.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`);
  const fullKey = `${key} ${precision()} ${places.join()} ${shapes.join()}`;
  let compiled = made.get(fullKey);
  if (compiled === undefined) {
    compiled = compile(backend, unique, (tensors) => run(places.map((place) => tensors[place]!)));
    made.set(fullKey, compiled);
  }
  return typeof compiled === 'function' ? compiled(backend, unique) : asItIs(inputs, run);
}

/** Where in `tensors` there is the same data in the same form. */
function placeOf({ dataId, shape, dtype }: tf.Tensor, tensors: readonly tf.Tensor[]): number {
  return tensors.findIndex(
    (other) => other.dataId === dataId && other.dtype === dtype && other.shape.join() === shape.join(),
  );
}

/** What a call gives back is its caller's to dispose: also where it is an input, or one tensor twice. */
function asItIs(
  inputs: readonly tf.Tensor[],
  run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
): Results {
  return tf.tidy(() => {
    const results = run(inputs);
    return results.map((tensor, index) =>
      inputs.includes(tensor) || results.indexOf(tensor) < index ? tf.clone(tensor) : tensor,
    ) as Results;
  });
}

/** What could not become a function so far, and why. */
export function runsAsItIs(): readonly { readonly key: string; readonly reason: string }[] {
  return [...made].flatMap(([key, value]) => (typeof value === 'function' ? [] : [{ key, ...value }]));
}
