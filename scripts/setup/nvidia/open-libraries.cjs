'use strict';
// usage: node open-libraries.cjs LIBRARY ...; prints a JSON array, per library null where it opens, else the loader's words.
const { constants } = require('node:os');
const process = require('node:process');

const problems = process.argv.slice(2).map((library) => {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW);
    return null;
  } catch (error) {
    // Node.js opens it, and then finds that it is no addon: that is all that was asked.
    return /self-register/.test(error.message) ? null : error.message.split('\n')[0].slice(0, 200);
  }
});
process.stdout.write(JSON.stringify(problems));
