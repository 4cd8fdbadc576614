'use strict';
// Loads the engine in a process of its own, because a library for another processor ends the process that opens it.
// usage: node probe.cjs TOOL_FOLDER; prints one line of JSON.
const { join } = require('node:path');
const process = require('node:process');

const tf = require(join(process.argv[2], 'load.cjs')).load(process.env);
const product = tf.tidy(() =>
  Array.from(tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync()),
);
if (product.join() !== '19,22,43,50')
  throw new Error(`a product of two small matrices came out wrong: ${product.join()}`);
const backend = tf.backend();
process.stdout.write(
  `${JSON.stringify({ version: backend.binding.TF_Version, gpu: backend.isUsingGpuDevice })}\n`,
);
