import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bindingPath, compiledBinding, linkBinding, packageFolder } from './binding.js';
import { sweep } from './cache.js';
import { Unavailable, lastWords, run } from './command.js';
import { hasNvidiaGpu } from './cuda.js';
import { librariesInFolder } from './folder.js';
import { installPackage, officialDownload } from './package.js';
import { dropStamp, readStamp, writeStamp } from './stamp.js';
import { librariesFromWheel } from './wheel.js';

/** @typedef {import('./wheel.js').Context} Context */
/** @typedef {import('./stamp.js').Stamp} Stamp */
/** @typedef {{ kind: 'auto' } | { kind: 'cpu' | 'cuda' | 'wasm' } | { kind: 'folder', folder: string }} Wish */

/**
 * Brings the installation to the engine wished for. `auto` goes through the ways from the fastest engine down and always ends with one,
 * at worst wasm; any other wish is met or fails.
 *
 * @param {Wish} wish
 * @param {Context} context
 * @returns {Promise<Stamp>} what is installed now
 * @throws {Unavailable} where an explicit wish cannot be met; the installation is then as if nothing were set up
 */
export async function setUp(wish, context) {
  await sweep(context.cache);
  if (wish.kind !== 'auto') return setUpOne(wish, context);

  const named = context.environment.BLOCKFORGE_LIBTENSORFLOW;
  const before = await readStamp(context.toolFolder);
  const gpu = await hasNvidiaGpu(context.environment);
  if (before !== undefined && isGoodEnough(before, named, gpu)) return before;

  /** @type {(() => Promise<Stamp>)[]} */
  const ways = [];
  if (named) ways.push(() => install({ kind: 'folder', folder: named }, context));
  if (gpu) ways.push(() => install({ kind: 'cuda' }, context));
  ways.push(() => install({ kind: 'cpu' }, context));
  ways.push(() => installOfficial(gpu ? 'cuda' : 'cpu', context));

  /** @type {string[]} */
  const why = [];
  for (const way of ways) {
    try {
      const stamp = { ...(await way()), asked: false, why };
      await writeStamp(context.toolFolder, stamp);
      return stamp;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (!why.includes(error.message)) why.push(error.message);
    }
  }
  return fallBack(context, false, why);
}

/**
 * Leaves the installation with wasm, which needs no set-up of its own.
 *
 * @param {Context} context
 * @param {boolean} asked
 * @param {readonly string[]} why
 * @returns {Promise<Stamp>}
 */
export async function fallBack({ toolFolder }, asked, why) {
  await dropStamp(toolFolder);
  await linkBinding(undefined, toolFolder);
  /** @type {Stamp} */
  const stamp = { engine: 'wasm', asked, why };
  await mkdir(join(toolFolder, 'node_modules'), { recursive: true });
  await writeStamp(toolFolder, stamp);
  return stamp;
}

/** @param {Exclude<Wish, { kind: 'auto' }>} wish @param {Context} context */
async function setUpOne(wish, context) {
  if (wish.kind === 'wasm') return fallBack(context, true, ['wasm was asked for (npm run setup -- --wasm)']);
  try {
    const stamp = { ...(await install(wish, context)), asked: true, why: [] };
    await writeStamp(context.toolFolder, stamp);
    return stamp;
  } catch (error) {
    if (error instanceof Unavailable) await fallBack(context, false, [error.message]);
    throw error;
  }
}

/**
 * @param {Stamp} stamp
 * @param {string | undefined} named
 * @param {boolean} gpu
 */
function isGoodEnough(stamp, named, gpu) {
  if (stamp.asked) return true;
  if (stamp.engine !== 'tensorflow') return false;
  if (named) return stamp.named === named;
  return !gpu || stamp.variant === 'cuda';
}

/**
 * @param {{ kind: 'cpu' | 'cuda' } | { kind: 'folder', folder: string }} wish
 * @param {Context} context
 * @returns {Promise<Omit<Stamp, 'asked' | 'why'>>}
 */
async function install(wish, context) {
  const { toolFolder } = context;
  // The folder is looked at first: a wrong name should cost nothing.
  const own = wish.kind === 'folder' ? librariesInFolder(wish.folder) : undefined;
  await dropStamp(toolFolder);
  await installPackage(context);
  const libraries = own ?? (await librariesFromWheel(wish.kind === 'cuda' ? 'cuda' : 'cpu', context));
  const folder = await compiledBinding(libraries, context);
  await linkBinding(folder, toolFolder);
  const { version, gpu } = await probe(context);
  return {
    engine: 'tensorflow',
    version,
    variant: own === undefined ? libraries.variant : gpu ? 'cuda' : 'cpu',
    source: libraries.source,
    folder: libraries.libraryFolder,
    binding: join(folder, 'tfjs_binding.node'),
    platform: process.platform,
    arch: process.arch,
    ...(wish.kind === 'folder' ? { named: wish.folder } : {}),
  };
}

/** @param {'cpu' | 'cuda'} variant @param {Context} context @returns {Promise<Omit<Stamp, 'asked' | 'why'>>} */
async function installOfficial(variant, context) {
  await dropStamp(context.toolFolder);
  await installPackage(context);
  await officialDownload(variant, context);
  const { version } = await probe(context);
  const binding = bindingPath(context.toolFolder);
  const folder = join(packageFolder(context.toolFolder), 'deps', 'lib');
  const { platform, arch } = process;
  return { engine: 'tensorflow', version, variant, source: 'official', folder, binding, platform, arch };
}

/** @param {Context} context @returns {Promise<{ version: string, gpu: boolean }>} */
async function probe({ toolFolder, environment }) {
  const outcome = await run(process.execPath, [join(import.meta.dirname, 'probe.cjs'), toolFolder], {
    cwd: dirname(toolFolder),
    env: environment,
    timeoutMs: 5 * 60_000,
  });
  if (outcome.ok) return JSON.parse(outcome.stdout.trim().split('\n').at(-1) ?? '');
  await linkBinding(undefined, toolFolder);
  const hint =
    outcome.signal === 'SIGILL' ? ' (the library wants processor instructions that this machine lacks)' : '';
  throw new Unavailable(`TensorFlow is there, but does not load: ${lastWords(outcome)}${hint}`);
}
