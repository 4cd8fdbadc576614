/**
 * Plain TensorFlow.js code as one native operation. On the tensorflow engine the code runs once with every kernel call written down; the
 * tape becomes a TensorFlow function, and from then on one call does the work of hundreds. What that saves is the cost of an
 * operation (10 microseconds and more each), and what fused operations save (`fused.ts`). Everywhere else the code simply runs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { functionBackend } from './backend.ts';
import { compile, type Compiled, type Results } from './compile.ts';
import { isDifferentiating } from './differentiating.ts';
import { precision } from './precision.ts';
import { currentTape } from './tape.ts';

/** By code, precision and shapes; a reason where the code has to run as it is. */
const made = new Map<string, Compiled | string>();

/** A tensor for each of `Inputs`. */
export type Given<Inputs extends readonly tf.Tensor[]> = { readonly [Place in keyof Inputs]: tf.Tensor };

/**
 * Runs `body` on `inputs`; caller disposes what it returns. `key` names the code and everything that it reads beside its inputs: two calls
 * with equal keys, precisions and shapes must be the same computation. Numbers that change from call to call are inputs (scalars).
 *
 * Where gradients are being taken, or an outer `recorded` is being written down, the body becomes part of that. Where its first run shows
 * that it cannot be recorded or comes out otherwise as a function, it runs as it is from then on (`runsAsItIs` says why). So it does
 * throughout with BLOCKFORGE_FUNCTIONS=off.
 */
export function recorded<const Inputs extends readonly tf.Tensor[]>(
  key: string,
  inputs: Inputs,
  body: (inputs: Given<Inputs>) => readonly tf.Tensor[],
): Results {
  const run = (): readonly tf.Tensor[] => body(inputs as unknown as Given<Inputs>);
  const asItIs = (): Results => tf.tidy(() => [...run()] as Results);
  const isInside = currentTape() !== undefined || isDifferentiating();
  const backend = isInside || process.env.BLOCKFORGE_FUNCTIONS === 'off' ? undefined : functionBackend();
  if (backend === undefined) return asItIs();

  // A tensor that comes twice is one argument: a function with two would not notice where the next call's differ.
  const unique = [...new Map(inputs.map((tensor) => [tensor.dataId, tensor])).values()];
  const places = inputs.map(({ dataId }) => unique.findIndex((tensor) => tensor.dataId === dataId));
  const shapes = unique.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`);
  const fullKey = `${key} ${precision()} ${places.join()} ${shapes.join()}`;
  const known = made.get(fullKey);
  if (typeof known === 'string') return asItIs();
  if (known !== undefined) return known(unique);

  const outcome = compile(backend, unique, run);
  if ('reason' in outcome) {
    made.set(fullKey, outcome.reason);
    return asItIs();
  }
  made.set(fullKey, outcome.compiled);
  return outcome.results;
}

/** What could not become a function so far, and why. */
export function runsAsItIs(): readonly { readonly key: string; readonly reason: string }[] {
  return [...made].flatMap(([key, reason]) => (typeof reason === 'string' ? [{ key, reason }] : []));
}
