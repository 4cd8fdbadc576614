/**
 * Plain TensorFlow.js code as one native operation. On the tensorflow engine the code runs once with every kernel call written down; the
 * tape becomes a TensorFlow function, and from then on one call does the work of hundreds. What that saves is the cost of an
 * operation (10 microseconds and more each), and what fused operations save (`fused.ts`). Everywhere else the code simply runs.
 */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { functionBackend } from './backend.ts';
import { isDifferentiating } from './differentiating.ts';
import { encodeFunction, type FunctionBody } from './function-def.ts';
import { withFusions, type Fusion } from './fused.ts';
import { precision } from './precision.ts';
import { currentTape, record, Unrecordable } from './tape.ts';

interface Compiled {
  readonly name: string;
  readonly outputs: number;
}

/** By code, precision and shapes; a reason where the code has to run as it is. */
const made = new Map<string, Compiled | string>();
const registered = new Set<string>();

/**
 * Runs `body` on `inputs`; caller disposes what it returns. `key` names the code and everything that it reads beside its inputs: two calls
 * with equal keys, precisions and shapes must be the same computation. Numbers that change from call to call are inputs (scalars).
 *
 * Where gradients are being taken, or an outer `recorded` is being written down, the body becomes part of that. Where its first run shows
 * that it cannot be recorded or comes out otherwise as a function, it runs as it is from then on (`runsAsItIs` says why).
 */
export function recorded(
  key: string,
  inputs: readonly tf.Tensor[],
  body: (...inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
): tf.Tensor[] {
  const plain = (): tf.Tensor[] => tf.tidy(() => [...body(...inputs)]);
  const engine = isInside() || process.env.BLOCKFORGE_FUNCTIONS === 'off' ? undefined : functionBackend();
  if (engine === undefined) return plain();

  const unique = [...new Map(inputs.map((tensor) => [tensor.dataId, tensor])).values()];
  const places = inputs.map(({ dataId }) => unique.findIndex((tensor) => tensor.dataId === dataId));
  const shapes = unique.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`);
  const fullKey = `${key} ${precision()} ${places.join()} ${shapes.join()}`;
  const known = made.get(fullKey);
  const run = ({ name, outputs }: Compiled): tf.Tensor[] =>
    engine.backend.executeMultipleOutputs(name, [], unique, outputs);
  if (typeof known === 'string') return plain();
  if (known !== undefined) return run(known);

  const reasons: string[] = [];
  for (let choice = firstChoice; choice < fusionChoices.length; choice++) {
    const outcome = attempt(fusionChoices[choice]!);
    if ('results' in outcome) {
      firstChoice = choice;
      made.set(fullKey, outcome.compiled);
      return outcome.results;
    }
    reasons.push(outcome.reason);
    if (outcome.isFinal) break;
  }
  made.set(fullKey, reasons.join('; '));
  return plain();

  function attempt(fusions: readonly Fusion[]): Attempt {
    let expected: readonly tf.Tensor[] = [];
    try {
      const tape = withFusions(fusions, () => record(engine!.backend, unique, () => body(...inputs)));
      expected = tape.outputs;
      const compiled = { name: register(tape.body, engine!.addFunction), outputs: expected.length };
      const results = run(compiled);
      const reason = difference(results, expected);
      if (reason === undefined) return { results, compiled };
      tf.dispose(results);
      return { reason, isFinal: false };
    } catch (error) {
      // What is wrong with the code itself shows again when it runs as it is, and then with its own words.
      return { reason: (error as Error).message, isFinal: error instanceof Unrecordable };
    } finally {
      tf.dispose([...expected]);
    }
  }
}

/** From what oneDNN has on processors to what every engine has; the first that works is where the next function begins. */
const fusionChoices: readonly (readonly Fusion[])[] = [['product', 'layerNorm'], ['product'], []];
let firstChoice = 0;

type Attempt =
  | { readonly results: tf.Tensor[]; readonly compiled: Compiled }
  | { readonly reason: string; readonly isFinal: boolean };

/** Whether an outer `recorded` is being written down, or gradients are being taken: a function has none of its own. */
function isInside(): boolean {
  return currentTape() !== undefined || isDifferentiating();
}

/** What could not become a function so far, and why. */
export function runsAsItIs(): readonly { readonly key: string; readonly reason: string }[] {
  return [...made].flatMap(([key, reason]) => (typeof reason === 'string' ? [{ key, reason }] : []));
}

/** How many functions this process has registered. */
export function functionCount(): number {
  return registered.size;
}

/** Registers a body under a name made of its content: bodies that are equal share one function. */
function register(body: FunctionBody, addFunction: (definition: Uint8Array) => void): string {
  const name = `blockforge_${createHash('sha256').update(encodeFunction('', body)).digest('hex').slice(0, 20)}`;
  if (!registered.has(name)) {
    addFunction(encodeFunction(name, body));
    registered.add(name);
  }
  return name;
}

/**
 * What is wrong with a function's first results, if anything. This looks for operations that mean something else in a graph, not for
 * rounding: root mean squares may differ by 1 % (bfloat16 10 %) of the result's own or, where that is mere noise beside the
 * other results, of a thousandth of the largest.
 */
function difference(results: readonly tf.Tensor[], expected: readonly tf.Tensor[]): string | undefined {
  const size = (x: tf.Tensor): tf.Scalar => tf.sqrt(tf.mean(tf.square(tf.cast(x, 'float32'))));
  const [differences, sizes] = tf.tidy(() => {
    const errors = results.map((result, index) =>
      size(tf.sub(tf.cast(result, 'float32'), tf.cast(expected[index]!, 'float32'))),
    );
    const read = (x: readonly tf.Scalar[]) => tf.stack([...x]).dataSync<'float32'>();
    return [read(errors), read(expected.map(size))];
  });
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const share = precision() === 'float32' ? 0.01 : 0.1;
  const bad = differences.findIndex((error, index) => {
    const limit = share * Math.max(sizes[index]!, largest / 1000);
    return !(error <= limit) && Number.isFinite(sizes[index]);
  });
  return bad < 0
    ? undefined
    : `result ${bad} differs by ${differences[bad]} from ${sizes[bad]} (root mean squares)`;
}
