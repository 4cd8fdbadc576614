'use strict';
const { createRequire } = require('node:module');

/** Resolved as the root would, so that it finds the root's copy instead of this folder again. */
module.exports = createRequire(require.resolve('../../../package.json'))('@tensorflow/tfjs');
