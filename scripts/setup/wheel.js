import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { needSpace, publish, sealed } from './cache.js';
import { Unavailable, lastWords, run } from './command.js';
import { addCuda } from './cuda.js';

const pinnedVersion = '2.21.0';
const downloadLimitMs = 30 * 60_000;

/** Any Python that has wheels will do: only the C++ libraries inside are used. */
const anyPython = ['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312'];

const unreachable =
  /Failed to establish a new connection|NewConnectionError|Name or service not known|Temporary failure in name resolution|ProxyError/;

const unpackScript = join(import.meta.dirname, 'unpack_wheel.py');

/**
 * What every way to an engine is told.
 *
 * @typedef {object} Context
 * @property {string} cache
 * @property {string} toolFolder scripts/tensorflow
 * @property {NodeJS.ProcessEnv} environment
 * @property {(line: string) => void} say
 */

/**
 * A TensorFlow to compile against.
 *
 * @typedef {object} Libraries
 * @property {string} version
 * @property {'cpu' | 'cuda'} variant
 * @property {'wheel' | 'folder'} source
 * @property {string} libraryFolder
 * @property {string} includeFolder
 * @property {readonly string[]} libraryFiles to link with, by file name
 */

/**
 * TensorFlow's C++ libraries and C headers out of its Python wheel: from the cache, else downloaded with pip. TensorFlow is not
 * installed into that Python, and Python is not needed afterwards. Linux only: other systems' wheels were never tried.
 *
 * @param {'cpu' | 'cuda'} variant
 * @param {Context} context
 * @returns {Promise<Libraries>}
 */
export async function librariesFromWheel(variant, { cache, environment, say }) {
  const tail = `-${variant}-${process.platform}-${process.arch}`;
  const known = await cached(cache, tail);
  if (known !== undefined) return describe(known.folder, known.version, variant);

  refuseOtherSystems(variant);
  const tools = await findPython(environment);
  await needSpace(cache, variant === 'cuda' ? 14e9 : 1.5e9);
  say(
    variant === 'cuda'
      ? 'downloading TensorFlow and its CUDA libraries with pip (some 4 GB, once)'
      : 'downloading TensorFlow with pip (some 280 MB, once)',
  );
  const made = await publish(cache, `tensorflow${tail}`, async (partial) => {
    const wheel = await downloadWheel(variant, join(partial, 'download'), tools.pip, environment);
    const place = layout(partial, variant);
    const unpacked = await run(
      tools.python,
      [unpackScript, wheel, place.libraryFolder, place.includeFolder],
      {
        env: environment,
        timeoutMs: 10 * 60_000,
      },
    );
    if (!unpacked.ok)
      throw new Unavailable(`the TensorFlow wheel could not be unpacked: ${lastWords(unpacked)}`);
    await rm(join(partial, 'download'), { recursive: true });
    const { version, cudaRequirements } = JSON.parse(unpacked.stdout);
    if (variant === 'cuda') await addCuda(partial, cudaRequirements, tools.pip, environment);
    return { name: `tensorflow-${version}${tail}`, content: { version, variant } };
  });
  return describe(made.folder, made.content.version, variant);
}

/**
 * The CUDA variant puts TensorFlow at nvidia/tensorflow/lib, one of the siblings nvidia/cublas/lib, nvidia/cudnn/lib ...: NVIDIA's libraries find
 * each other by $ORIGIN/../../cublas/lib, TensorFlow finds them by $ORIGIN.
 *
 * @param {string} folder
 * @param {'cpu' | 'cuda'} variant
 */
function layout(folder, variant) {
  return {
    libraryFolder: variant === 'cuda' ? join(folder, 'nvidia', 'tensorflow', 'lib') : join(folder, 'lib'),
    includeFolder: join(folder, 'include'),
  };
}

/** @param {string} folder @param {string} version @param {'cpu' | 'cuda'} variant @returns {Libraries} */
function describe(folder, version, variant) {
  const libraryFiles = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  return { version, variant, source: 'wheel', ...layout(folder, variant), libraryFiles };
}

/** @param {string} cache @param {string} tail */
async function cached(cache, tail) {
  const names = existsSync(cache) ? await readdir(cache) : [];
  const fitting = names.filter((name) => name.startsWith('tensorflow-') && name.endsWith(tail)).sort();
  const pinned = `tensorflow-${pinnedVersion}${tail}`;
  for (const name of [pinned, ...fitting.reverse()]) {
    const content = await sealed(join(cache, name));
    if (content !== undefined) return { folder: join(cache, name), version: String(content.version) };
  }
  return undefined;
}

/** @param {'cpu' | 'cuda'} variant */
function refuseOtherSystems(variant) {
  if (process.platform !== 'linux')
    throw new Unavailable(`the TensorFlow wheel is used on Linux only, this is ${process.platform}`);
  if (process.arch !== 'x64' && (process.arch !== 'arm64' || variant === 'cuda')) {
    throw new Unavailable(`there is no ${variant} TensorFlow wheel for ${process.arch}`);
  }
  const { header } = /** @type {any} */ (process.report.getReport());
  if (header.glibcVersionRuntime === undefined)
    throw new Unavailable('the TensorFlow wheel needs glibc, this system has another C library');
}

/**
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<{ python: string, pip: readonly string[] }>} `pip` is a command with its first parameters
 */
export async function findPython(environment) {
  for (const python of ['python3', 'python']) {
    const version = await run(python, ['-c', 'import sys; print(sys.version_info[0])'], { env: environment });
    if (!version.ok || version.stdout.trim() !== '3') continue;
    for (const pip of [[python, '-m', 'pip'], ['pip3'], ['pip']]) {
      const answer = await run(pip[0], [...pip.slice(1), '--version'], { env: environment });
      if (answer.ok) return { python, pip };
    }
    throw new Unavailable(`${python} is there, but no pip (it brings the TensorFlow libraries)`);
  }
  throw new Unavailable('no Python 3 on the PATH (its pip brings the TensorFlow libraries)');
}

/**
 * @param {'cpu' | 'cuda'} variant
 * @param {string} folder
 * @param {readonly string[]} pip
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<string>} the wheel's path
 */
async function downloadWheel(variant, folder, pip, environment) {
  await mkdir(folder, { recursive: true });
  const name = variant === 'cuda' || process.arch === 'arm64' ? 'tensorflow' : 'tensorflow-cpu';
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const platforms = ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].flatMap((tag) => [
    '--platform',
    `${tag}_${machine}`,
  ]);
  const attempts = [
    [`${name}==${pinnedVersion}`],
    [`${name}==${pinnedVersion}`, ...anyPython, ...platforms],
    [name],
  ];
  const options = [
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
    '--retries',
    '1',
    '--timeout',
    '20',
  ];
  let reason = '';
  for (const attempt of attempts) {
    const outcome = await run(pip[0], [...pip.slice(1), 'download', ...options, '-d', folder, ...attempt], {
      env: environment,
      timeoutMs: downloadLimitMs,
    });
    const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
    if (outcome.ok && wheel !== undefined) return join(folder, wheel);
    // Out of reach of its index, pip's last word is that no version fits, which sends people looking in the wrong place.
    reason = unreachable.test(outcome.stderr)
      ? 'its package index cannot be reached from here; --libtensorflow DIR takes a TensorFlow that you bring along'
      : lastWords(outcome);
    if (outcome.timedOut) break;
  }
  throw new Unavailable(`pip could not download ${name}: ${reason}`);
}
