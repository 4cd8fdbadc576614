'use strict';
// Loads the engine in a process of its own, because a library for another processor ends the process that opens it.
// usage: node probe.cjs TOOL_FOLDER; prints one line of JSON.
const { join } = require('node:path');
const process = require('node:process');

const tf = require(join(process.argv[2], 'load.cjs')).load(process.env);
const backend = tf.backend();
const gpu = backend.isUsingGpuDevice;
const read = (compute) => Array.from(tf.tidy(compute).dataSync()).join();
const matrix = (values) => tf.tensor2d(values, [2, 2]);

const product = read(() => tf.matMul(matrix([1, 2, 3, 4]), matrix([5, 6, 7, 8])));
if (product !== '19,22,43,50') throw new Error(`a product of two small matrices came out wrong: ${product}`);
if (gpu) {
  // Products are NVIDIA's; these kernels are TensorFlow's own, which must have been made for the card.
  const square = read(() => tf.square(matrix([1, 2, 3, 4])));
  if (square !== '1,4,9,16') throw new Error(`squares came out wrong: ${square}`);
}
process.stdout.write(`${JSON.stringify({ version: backend.binding.TF_Version, gpu })}\n`);
