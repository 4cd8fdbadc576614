'use strict';
const { createRequire } = require('node:module');
const { join } = require('node:path');

/** Resolved from scripts/, so that it climbs to the root's copy instead of finding this folder again. */
module.exports = createRequire(join(__dirname, '..', '..', 'setup.js'))('@tensorflow/tfjs');
