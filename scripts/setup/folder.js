import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Unavailable } from './command.js';

/** Library file names, the wheel's first, then those of TensorFlow's own C library archive. */
const libraryNames = [
  ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  ['libtensorflow.so.2', 'libtensorflow_framework.so.2'],
  ['libtensorflow.so', 'libtensorflow_framework.so'],
];

/**
 * A libtensorflow that the user has: the unpacked archive of TensorFlow for C, or an installed Python package's folder
 * (site-packages/tensorflow).
 *
 * @param {string} named
 * @returns {import('./wheel.js').Libraries}
 */
export function librariesInFolder(named) {
  if (process.platform !== 'linux')
    throw new Unavailable('a libtensorflow of your own can be used on Linux only');
  const folder = resolve(named);
  if (!existsSync(folder)) throw new Unavailable(`${folder}: no such folder`);
  const real = realpathSync(folder);
  const includeFolder = [join(real, 'include'), join(real, '..', 'include')].find((place) =>
    existsSync(join(place, 'tensorflow', 'c', 'eager', 'c_api.h')),
  );
  for (const libraryFolder of [join(real, 'lib'), real]) {
    const libraryFiles = libraryNames.find((names) =>
      names.every((name) => existsSync(join(libraryFolder, name))),
    );
    if (libraryFiles === undefined) continue;
    if (includeFolder === undefined) {
      throw new Unavailable(
        `${folder}: libtensorflow is there, but not its headers (expected include/tensorflow/c/eager/c_api.h)`,
      );
    }
    // The probe finds out the version, and whether it sees a GPU.
    return {
      version: 'unknown',
      variant: 'cpu',
      source: 'folder',
      libraryFolder,
      includeFolder,
      libraryFiles,
    };
  }
  throw new Unavailable(
    `${folder}: no libtensorflow.so or libtensorflow_cc.so.2 there, nor in its lib folder`,
  );
}
