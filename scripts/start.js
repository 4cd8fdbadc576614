/**
 * Runs a program of this project: `node scripts/start.js FILE.ts [arguments]`.
 *
 * The programs that people wait for (the command line and its worker processes) are run from one compiled copy, which is made again when a
 * source of it has changed; every other one, and all of them where no copy can be kept, is compiled file by file while it
 * loads (tsx). What is run is the same, and it is run in this process: signals, streams and the exit code are its own.
 */
import { isAbsolute, resolve } from 'node:path';
import module from 'node:module';
import { pathToFileURL } from 'node:url';
import { compiledPrograms } from './start/compiled.js';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error('node scripts/start.js FILE.ts [arguments]');
const args = [resolve(file), ...rest];
// A worker is told the path of the module that it takes its work from: all have to be there.
const programs = args.filter((arg, index) => index === 0 || (isAbsolute(arg) && arg.endsWith('.ts')));
const compiled = await compiledPrograms(resolve(import.meta.dirname, '..'), programs);

if (compiled === undefined) await import('tsx');
else {
  // Stacks name the sources. Node.js >= 22 keeps what its compiler made of the files, too.
  process.setSourceMapsEnabled(true);
  module.enableCompileCache?.();
}
process.argv.splice(1, Infinity, ...args.map((arg) => compiled?.get(arg) ?? arg));
await import(pathToFileURL(compiled?.get(args[0]) ?? args[0]).href);
