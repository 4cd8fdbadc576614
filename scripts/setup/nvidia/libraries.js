import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../command.js';

/**
 * What TensorFlow 2.21 opens by these names while it runs. `start`: without any one of these it uses no GPU (its dlopen_checker.cc). `later`: what
 * those open in turn, at the first product or convolution. The driver's own is not in the wheel's packages.
 *
 * @type {Readonly<Record<string, 'driver' | 'start' | 'later'>>}
 */
export const cudaLibraries = {
  'libcuda.so.1': 'driver',
  'libcudart.so.12': 'start',
  'libcublas.so.12': 'start',
  'libcublasLt.so.12': 'start',
  'libcufft.so.11': 'start',
  'libcusolver.so.11': 'start',
  'libcusparse.so.12': 'start',
  'libcudnn.so.9': 'start',
  'libcudnn_graph.so.9': 'later',
  'libcudnn_ops.so.9': 'later',
  'libcudnn_cnn.so.9': 'later',
  'libcudnn_adv.so.9': 'later',
  'libcudnn_heuristic.so.9': 'later',
  'libcudnn_engines_precompiled.so.9': 'later',
  'libcudnn_engines_runtime_compiled.so.9': 'later',
  'libnvJitLink.so.12': 'later',
  'libnvrtc.so.12': 'later',
  'libnccl.so.2': 'later',
};

/**
 * @typedef {object} Opened
 * @property {readonly string[]} found
 * @property {readonly { name: string, why: string }[]} missing `why`: the loader's words, or the version that is there instead
 */

/**
 * Opens shared libraries as a program would, in a process of its own: in a folder, on LD_LIBRARY_PATH, or in the system's list. That a file is
 * there says little: what it needs in turn may be missing.
 *
 * @param {readonly string[]} names
 * @param {string | undefined} folder is looked at first
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<Opened>}
 */
export async function openLibraries(names, folder, environment) {
  const places = names.map((name) =>
    folder !== undefined && existsSync(join(folder, name)) ? join(folder, name) : name,
  );
  const script = fileURLToPath(new URL('./open-libraries.cjs', import.meta.url));
  const answer = await run(process.execPath, [script, ...places], { env: environment, timeoutMs: 120_000 });
  /** @type {readonly (string | null)[]} */
  const problems = answer.ok
    ? JSON.parse(answer.stdout)
    : names.map(() => 'opening the libraries ended the process');
  return {
    found: names.filter((_, i) => problems[i] === null),
    missing: names.flatMap((name, i) => {
      const problem = problems[i];
      return typeof problem === 'string' ? [{ name, why: otherVersion(name, folder) ?? problem }] : [];
    }),
  };
}

/** @param {string} name @param {string | undefined} folder */
function otherVersion(name, folder) {
  if (folder === undefined || existsSync(join(folder, name)) || !existsSync(folder)) return undefined;
  const stem = name.replace(/\.so\.\d+$/, '.so.');
  const others = readdirSync(folder).filter(
    (file) => file.startsWith(stem) && /^\d+$/.test(file.slice(stem.length)),
  );
  return others.length === 0 ? undefined : `only ${others.sort().join(', ')}`;
}

/** @param {Opened} opened @returns {import('./obstacles.js').Obstacle | undefined} */
export function libraryObstacle({ missing }) {
  const [first] = missing;
  if (first === undefined) return undefined;
  const names = missing.map(({ name }) => name).join(', ');
  if (first.name === 'libcuda.so.1') {
    return {
      weight: 'possible',
      why: "libcuda.so.1 of NVIDIA's driver is not found",
      remedy:
        'install the part of the driver that computes (Debian: libcuda1, Ubuntu: libnvidia-compute-*), in a container start it with -e NVIDIA_DRIVER_CAPABILITIES=compute,utility',
    };
  }
  const heavy = missing.some(({ name }) => cudaLibraries[name] === 'start');
  return {
    weight: heavy ? 'likely' : 'possible',
    why: `of TensorFlow's CUDA libraries do not load: ${names} (${first.why})`,
    remedy: 'npm run setup -- --cuda',
  };
}
