import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { bindingName, bindingPath, compiledBinding, linkBinding, packageFolder } from './binding.js';
import { sealed, sweep } from './cache.js';
import { Unavailable, lastWords } from './command.js';
import { librariesInFolder } from './folder.js';
import { explainNoGpu } from './nvidia/explain.js';
import { lookForNvidia } from './nvidia/look.js';
import { obstaclesOf, sentenceOf } from './nvidia/obstacles.js';
import { readLog } from './nvidia/read-log.js';
import { tryEngine } from './nvidia/try-engine.js';
import { installPackage, officialDownload } from './package.js';
import { dropStamp, readStamp, writeStamp } from './stamp.js';
import { librariesFromWheel } from './wheel.js';

/** @typedef {import('./wheel.js').Context} Context */
/** @typedef {import('./stamp.js').Stamp} Stamp */
/**
 * `best` is `auto` that also reconsiders what was once asked for by name.
 *
 * @typedef {{ kind: 'auto' | 'best' } | { kind: 'cpu' | 'cuda' | 'wasm' } | { kind: 'folder', folder: string }} Wish
 */

/**
 * Brings the installation to the engine wished for. `auto` and `best` go through the ways from the fastest engine down and always end with
 * one, at worst wasm; any other wish is met or fails, and then leaves the installation as it was.
 *
 * @param {Wish} wish
 * @param {Context} context
 * @returns {Promise<Stamp>} what is installed now
 * @throws {Unavailable} where an explicit wish cannot be met
 */
export async function setUp(wish, context) {
  await sweep(context.cache);
  if (wish.kind !== 'auto' && wish.kind !== 'best') return setUpOne(wish, context);

  const named = context.environment.BLOCKFORGE_LIBTENSORFLOW;
  const before = await readStamp(context.toolFolder);
  const nvidia = await lookForNvidia(context.environment);
  const [obstacle] = obstaclesOf(nvidia);
  const hindered = obstacle !== undefined && obstacle.weight !== 'possible';
  const gpu = nvidia.state === 'found' && !hindered;
  const isKept =
    before !== undefined && ((before.asked && wish.kind === 'auto') || isGoodEnough(before, named, gpu));
  if (isKept) return withTodaysBinding(before, context);

  /** @type {(() => Promise<Stamp>)[]} */
  const ways = [];
  if (named) ways.push(() => install({ kind: 'folder', folder: named }, context));
  if (gpu) ways.push(() => install({ kind: 'cuda' }, context, nvidia));
  ways.push(() => install({ kind: 'cpu' }, context));
  ways.push(() => installOfficial(gpu ? 'cuda' : 'cpu', context));

  /** @type {string[]} */
  const why = hindered ? [sentenceOf(obstacle)] : [];
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

/** @param {Exclude<Wish, { kind: 'auto' | 'best' }>} wish @param {Context} context */
async function setUpOne(wish, context) {
  if (wish.kind === 'wasm') return fallBack(context, true, ['wasm was asked for (npm run setup -- --wasm)']);
  const nvidia = wish.kind === 'cuda' ? await lookForNvidia(context.environment) : undefined;
  const why = nvidia === undefined ? [] : beforeCuda(nvidia);
  const stamp = { ...(await install(wish, context, nvidia)), asked: true, why };
  await writeStamp(context.toolFolder, stamp);
  return stamp;
}

/**
 * CUDA by name: also where there is no GPU now, as when the image of a container is built. Where there is one that it cannot work on, 4 GB
 * are not downloaded to find that out.
 *
 * @param {import('./nvidia/look.js').Nvidia} nvidia
 * @returns {readonly string[]} what is to be known of it
 */
function beforeCuda(nvidia) {
  const [obstacle] = obstaclesOf(nvidia);
  const sentence = obstacle === undefined ? undefined : sentenceOf(obstacle);
  if (nvidia.state === 'found') {
    if (obstacle?.weight === 'certain') throw new Unavailable(sentence);
    return [];
  }
  return [sentence ?? 'there is no NVIDIA GPU here now, so it computes on the processor'];
}

/**
 * What is installed, with the binding that today's sources make: an update of this project may have changed them. Where it cannot be
 * compiled, the older binding stays and works as it did.
 *
 * @param {Stamp} stamp
 * @param {Context} context
 * @returns {Promise<Stamp>}
 */
async function withTodaysBinding(stamp, context) {
  if (stamp.engine !== 'tensorflow' || stamp.source === 'official' || !stamp.binding) return stamp;
  const libraries = (await sealed(dirname(stamp.binding)))?.libraries;
  if (libraries === undefined) return stamp;
  try {
    await installPackage(context);
    if (basename(dirname(stamp.binding)) === (await bindingName(libraries, context.toolFolder))) return stamp;
    const folder = await compiledBinding(libraries, context);
    await replaceBinding(folder, context);
    const upgraded = { ...stamp, binding: join(folder, 'tfjs_binding.node') };
    await writeStamp(context.toolFolder, upgraded);
    return upgraded;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    context.say(`the older binding stays: ${error.message}`);
    return stamp;
  }
}

/**
 * @param {Stamp} stamp
 * @param {string | undefined} named
 * @param {boolean} gpu
 */
function isGoodEnough(stamp, named, gpu) {
  if (stamp.engine !== 'tensorflow') return false;
  if (named) return stamp.named === resolve(named);
  return !gpu || stamp.variant === 'cuda';
}

/**
 * @param {{ kind: 'cpu' | 'cuda' } | { kind: 'folder', folder: string }} wish
 * @param {Context} context
 * @param {import('./nvidia/look.js').Nvidia} [nvidia] where it lists a GPU, that must be used
 * @returns {Promise<Omit<Stamp, 'asked' | 'why'>>}
 */
async function install(wish, context, nvidia) {
  // The folder is looked at first: a wrong name should cost nothing.
  const own = wish.kind === 'folder' ? librariesInFolder(wish.folder) : undefined;
  await installPackage(context);
  const libraries = own ?? (await librariesFromWheel(wish.kind === 'cuda' ? 'cuda' : 'cpu', context));
  const folder = await compiledBinding(libraries, context);
  const wanted = nvidia?.state === 'found' ? { nvidia, folder: libraries.libraryFolder } : undefined;
  const { version, gpu } = await replaceBinding(folder, context, wanted);
  return {
    engine: 'tensorflow',
    version,
    variant: own === undefined ? libraries.variant : gpu ? 'cuda' : 'cpu',
    source: libraries.source,
    folder: libraries.libraryFolder,
    binding: join(folder, 'tfjs_binding.node'),
    platform: process.platform,
    arch: process.arch,
    ...(wish.kind === 'folder' ? { named: resolve(wish.folder) } : {}),
  };
}

/** @param {'cpu' | 'cuda'} variant @param {Context} context @returns {Promise<Omit<Stamp, 'asked' | 'why'>>} */
async function installOfficial(variant, context) {
  await installPackage(context);
  await dropStamp(context.toolFolder);
  await officialDownload(variant, context);
  const { version } = await probe(context);
  const binding = bindingPath(context.toolFolder);
  const folder = join(packageFolder(context.toolFolder), 'deps', 'lib');
  const { platform, arch } = process;
  return { engine: 'tensorflow', version, variant, source: 'official', folder, binding, platform, arch };
}

/**
 * A GPU that TensorFlow has to use, and where its libraries lie.
 *
 * @typedef {{ nvidia: import('./nvidia/look.js').Nvidia, folder: string }} Wanted
 */

/**
 * Tries a compiled binding in place. Where it does not load, or leaves a GPU unused, the one before it is put back.
 *
 * @param {string} folder
 * @param {Context} context
 * @param {Wanted} [wanted]
 */
async function replaceBinding(folder, context, wanted) {
  const { toolFolder } = context;
  const before = await readStamp(toolFolder);
  await dropStamp(toolFolder);
  await linkBinding(folder, toolFolder);
  try {
    return await probe(context, wanted);
  } catch (error) {
    const canReturn = before?.binding !== undefined && before.source !== 'official';
    await linkBinding(canReturn ? dirname(before.binding) : undefined, toolFolder);
    if (canReturn) await writeStamp(toolFolder, before);
    throw error;
  }
}

/**
 * @param {Context} context
 * @param {Wanted} [wanted]
 * @returns {Promise<{ version: string, gpu: boolean }>}
 */
async function probe({ toolFolder, environment }, wanted) {
  const { outcome, found } = await tryEngine(toolFolder, environment, wanted !== undefined);
  if (found !== undefined && (wanted === undefined || found.gpu)) return found;
  if (wanted !== undefined) {
    const log = outcome.stderr;
    const told = found === undefined ? readLog(log) : await explainNoGpu({ ...wanted, log, environment });
    if (told !== undefined)
      throw new Unavailable(`TensorFlow does not use ${wanted.nvidia.cards[0]?.name}: ${sentenceOf(told)}`);
  }
  const hint =
    outcome.signal === 'SIGILL' ? ' (the library wants processor instructions that this machine lacks)' : '';
  throw new Unavailable(`TensorFlow is there, but does not load: ${lastWords(outcome)}${hint}`);
}
