'use strict';
const process = require('node:process');
const util = require('node:util');
const { types } = util;

/**
 * Loads TensorFlow and registers the 'tensorflow' backend. The one place that knows what has to be true beforehand;
 * the engine and the set-up's own check both come through here.
 *
 * @param {Record<string, string | undefined>} environment usually process.env; values the user set are kept
 */
exports.load = function load(environment) {
  // All are read by the C++ library at its own start, so they must be in place before it is opened.
  environment.TF_CPP_MIN_LOG_LEVEL ??= '2';
  environment.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // TensorFlow leaves oneDNN's operations switched off on x86 processors without AVX-512; with AVX2 they are faster as well.
  if (process.arch === 'x64') environment.TF_ENABLE_ONEDNN_OPTS ??= '1';
  restoreRemovedHelpers();
  return require('@tensorflow/tfjs-node-gpu');
};

/**
 * tfjs-node-gpu 4.22.0, the newest there is, calls the first two of these: Node 23 removed them, Node 22 prints a warning at
 * each first use. Replacing them serves both.
 */
function restoreRemovedHelpers() {
  util.isNullOrUndefined = (value) => value === null || value === undefined;
  util.isArray = Array.isArray;
  util.isDate ??= types.isDate;
  util.isRegExp ??= types.isRegExp;
}
