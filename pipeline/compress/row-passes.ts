import * as tf from '@tensorflow/tfjs-core';

/** A function of rows on the engine: x [n, D] to [n, D], or to [D], the same for every row. */
type Answer = (x: tf.Tensor2D) => tf.Tensor;

/** What `answer` makes of `inputs` [N, D], `rowsPerPass` rows at a time. */
export function outputsOf(
  inputs: Float32Array,
  width: number,
  rowsPerPass: number,
  answer: Answer,
): Float32Array {
  const outputs = new Float32Array(inputs.length);
  eachPass(inputs.length / width, rowsPerPass, (from, to) =>
    outputs.set(answer(rowsOf(inputs, width, from, to)).dataSync<'float32'>(), from * width),
  );
  return outputs;
}

/** `||answer(x) - t||^2` of every row of `inputs` and `targets` [N, D], in float32, `rowsPerPass` rows at a time. */
export function squaredErrors(
  { inputs, targets }: { readonly inputs: Float32Array; readonly targets: Float32Array },
  width: number,
  rowsPerPass: number,
  answer: Answer,
): Float32Array {
  const errors = new Float32Array(inputs.length / width);
  eachPass(errors.length, rowsPerPass, (from, to) => {
    const output = answer(rowsOf(inputs, width, from, to));
    const squares = tf.sum(tf.squaredDifference(output, rowsOf(targets, width, from, to)), 1);
    errors.set(squares.dataSync<'float32'>(), from);
  });
  return errors;
}

/** The tensors of a pass live until it ends. */
function eachPass(count: number, rowsPerPass: number, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < count; from += rowsPerPass) {
    tf.tidy(() => visit(from, Math.min(count, from + rowsPerPass)));
  }
}

function rowsOf(values: Float32Array, width: number, from: number, to: number): tf.Tensor2D {
  return tf.tensor2d(values.subarray(from * width, to * width), [to - from, width]);
}
