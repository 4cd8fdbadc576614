import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { publish, sealed } from './cache.js';
import { Unavailable, lastWords, run } from './command.js';

/** @typedef {import('./wheel.js').Context} Context */
/** @typedef {import('./wheel.js').Libraries} Libraries */

/** The Node-API level that the package is compiled for; every Node.js since 15.12 has it, so one binding serves all of them. */
const nodeApi = 8;

const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'];

/** Ours, in scripts/tensorflow: one compiled into the binding, one in front of it. */
const ownSources = ['functions.cc', 'quiet.cc'];

/** @param {string} toolFolder */
export const packageFolder = (toolFolder) => join(toolFolder, 'node_modules', '@tensorflow', 'tfjs-node-gpu');

/** Where the package itself looks (its node-pre-gyp settings). @param {string} toolFolder */
export const bindingPath = (toolFolder) =>
  join(packageFolder(toolFolder), 'lib', `napi-v${nodeApi}`, 'tfjs_binding.node');

/**
 * Compiles the package's C++ binding against a TensorFlow, once per TensorFlow and source: the cache answers afterwards, and then
 * no compiler is needed.
 *
 * The headers are those of the package node-api-headers. Looking for Node's own (distribution package, node-gyp's cache, nodedir ...) finds
 * none on many machines, and the binding uses nothing but Node-API, which is stable across versions by contract.
 *
 * @param {Libraries} libraries
 * @param {Context} context
 * @returns {Promise<string>} the compiled binding's folder in the cache
 */
export async function compiledBinding(libraries, { cache, toolFolder, environment, say }) {
  const name = await bindingName(libraries, toolFolder);
  if ((await sealed(join(cache, name))) !== undefined) return join(cache, name);

  const compiler = await findCompiler(environment);
  say(`compiling the binding against ${libraries.libraryFolder} (about 10 s, once)`);
  const made = await publish(cache, 'binding', async (partial) => {
    for (const parameters of compilations(libraries, toolFolder, partial)) {
      const outcome = await run(compiler, parameters, { env: environment, timeoutMs: 10 * 60_000 });
      if (!outcome.ok)
        throw new Unavailable(`${compiler} could not compile the binding: ${lastWords(outcome)}`);
    }
    return { name, content: { libraries } };
  });
  return made.folder;
}

/**
 * The compiler's parameters, call by call: the real binding, then the small library in front of it that keeps the start quiet.
 *
 * @param {Libraries} libraries
 * @param {string} toolFolder
 * @param {string} output
 */
function compilations({ libraryFolder, includeFolder, libraryFiles }, toolFolder, output) {
  const from = packageFolder(toolFolder);
  const shared = ['-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${nodeApi}`];
  const headers = ['-I', join(toolFolder, 'node_modules', 'node-api-headers', 'include')];
  return [
    [
      ...shared,
      ...['-I', includeFolder, ...headers, '-I', from],
      ...sources.map((name) => join(from, 'binding', name)),
      join(toolFolder, 'functions.cc'),
      '-Wl,--wrap=TFE_NewContext',
      ...['-L', libraryFolder, ...libraryFiles.map((file) => `-l:${file}`)],
      // The older tag also serves libraries that TensorFlow opens later on; the newer one serves direct needs only.
      `-Wl,--disable-new-dtags,-rpath,${libraryFolder}`,
      ...['-o', join(output, 'tfjs_binding_real.so')],
    ],
    [...shared, ...headers, join(toolFolder, 'quiet.cc'), '-ldl', '-o', join(output, 'tfjs_binding.node')],
  ];
}

/**
 * The folder in the cache of the binding that today's sources make.
 *
 * @param {Libraries} libraries
 * @param {string} toolFolder
 */
export async function bindingName(libraries, toolFolder) {
  const key = await fingerprint(libraries, toolFolder);
  return `binding-${key}-${process.platform}-${process.arch}-napi${nodeApi}`;
}

/** @param {Libraries} libraries @param {string} toolFolder */
async function fingerprint(libraries, toolFolder) {
  const hash = createHash('sha256');
  const from = join(packageFolder(toolFolder), 'binding');
  for (const file of (await readdir(from)).sort()) hash.update(await readFile(join(from, file)));
  for (const file of ownSources) hash.update(await readFile(join(toolFolder, file)));
  hash.update(JSON.stringify(libraries));
  for (const file of libraries.libraryFiles) {
    const { size, mtimeMs } = await stat(join(libraries.libraryFolder, file));
    hash.update(`${size} ${mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 12);
}

/** @param {NodeJS.ProcessEnv} environment */
async function findCompiler(environment) {
  const candidates = [environment.CXX, 'g++', 'c++', 'clang++'].filter(
    (name) => name !== undefined && name !== '',
  );
  for (const compiler of candidates) {
    if ((await run(compiler, ['--version'], { env: environment })).ok) return compiler;
  }
  throw new Unavailable(
    'no C++ compiler (g++ or clang++) on the PATH; on Debian and Ubuntu: apt-get install g++',
  );
}

/**
 * Puts a compiled binding where the package looks for it, or takes whatever is there away.
 *
 * @param {string | undefined} folder in the cache
 * @param {string} toolFolder
 */
export async function linkBinding(folder, toolFolder) {
  const place = bindingPath(toolFolder);
  await rm(join(packageFolder(toolFolder), 'lib'), { recursive: true, force: true });
  if (folder === undefined || !existsSync(folder)) return;
  await mkdir(join(place, '..'), { recursive: true });
  await symlink(join(folder, 'tfjs_binding.node'), place);
}
