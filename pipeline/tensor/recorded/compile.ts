import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from './backend.ts';
import { encodeFunction, type FunctionBody } from './function-def.ts';
import { withFusions, type Fusion } from './fused.ts';
import { precision } from './precision.ts';
import { Unrecordable } from './symbol.ts';
import { record } from './tape.ts';

/** One or more. */
export type Results = [tf.Tensor, ...tf.Tensor[]];

/** Runs a function on tensors of the shapes that it was made for. Caller disposes. */
export type Compiled = (inputs: readonly tf.Tensor[]) => Results;

/** From what oneDNN has on processors to what every engine has; the first that works is where the next function begins. */
const fusionChoices: readonly (readonly Fusion[])[] = [['product', 'layerNorm'], ['product'], []];
let firstChoice = 0;

/** Names of the functions of this process. */
const registered = new Set<string>();

/** How many functions this process has registered. */
export function functionCount(): number {
  return registered.size;
}

/** Makes a function of what `body` does with `inputs`, and runs it on them; or says why that cannot be. */
export function compile(
  backend: TensorflowBackend,
  inputs: readonly tf.Tensor[],
  body: () => readonly tf.Tensor[],
): { readonly compiled: Compiled; readonly results: Results } | { readonly reason: string } {
  const reasons: string[] = [];
  for (const [choice, fusions] of fusionChoices.entries()) {
    if (choice < firstChoice) continue;
    let expected: readonly tf.Tensor[] = [];
    try {
      const tape = withFusions(fusions, () => record(backend, inputs, body));
      expected = tape.outputs;
      const name = register(backend, tape.body);
      const count = expected.length;
      const compiled: Compiled = (inputs) =>
        backend.executeMultipleOutputs(name, [], inputs, count) as Results;
      const results = compiled(inputs);
      const fault = difference(results, expected);
      if (fault === undefined) {
        firstChoice = choice;
        return { compiled, results };
      }
      tf.dispose(results);
      reasons.push(fault);
    } catch (error) {
      // What is wrong with the code itself shows again when it runs as it is, and then with its own words.
      reasons.push((error as Error).message);
      if (error instanceof Unrecordable) break;
    } finally {
      tf.dispose([...expected]);
    }
  }
  return { reason: reasons.join('; ') };
}

/** Registers a body under a name made of its content: bodies that are equal share one function. */
function register({ binding }: TensorflowBackend, body: FunctionBody): string {
  const digest = createHash('sha256').update(encodeFunction('', body)).digest('hex');
  const name = `blockforge_${digest.slice(0, 20)}`;
  if (!registered.has(name)) {
    binding.addFunction(encodeFunction(name, body));
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
