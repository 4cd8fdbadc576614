/**
 * Gives this installation the fastest compute engine the machine can have. `npm install` runs it with --auto, which never fails.
 */
import { join, resolve } from 'node:path';
import { cacheRoot, dropPartials } from './setup/cache.js';
import { Unavailable, endAll } from './setup/command.js';
import { fallBack, setUp } from './setup/engines.js';
import { installWebgpu } from './setup/webgpu.js';
import { compiledPrograms } from './start/compiled.js';

const help = `npm run setup -- [option]

  (none)               the fastest engine this machine can have
  --auto               the same, unless another was asked for before; what npm install does
  --cpu                TensorFlow for processors
  --cuda               TensorFlow with CUDA, for NVIDIA GPUs
  --libtensorflow DIR  a libtensorflow you have: the C archive unpacked, or site-packages/tensorflow
  --webgpu             adds the engine for GPUs without CUDA, which --engine webgpu chooses; experimental
  --wasm               the WebAssembly engine: slower, no native code

BLOCKFORGE_LIBTENSORFLOW=DIR does for --auto what --libtensorflow DIR does by hand, BLOCKFORGE_CACHE=DIR moves the downloads
(default ~/.cache/blockforge), BLOCKFORGE_SETUP=skip keeps npm install from setting anything up.`;

const toolFolder = join(import.meta.dirname, 'tensorflow');
/** @type {import('./setup/wheel.js').Context} */
const context = {
  toolFolder,
  cache: cacheRoot(process.env),
  environment: process.env,
  say: (line) => console.log(`setup: ${line}`),
};

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    endAll();
    void dropPartials().finally(() => process.exit(130));
  });
}

process.exitCode = await main(process.argv.slice(2));
// The first command is not to wait for it; where it cannot be done, that command works as well.
if (process.argv.includes('--auto')) await compiledPrograms(resolve(import.meta.dirname, '..'), []);

/** @param {readonly string[]} options @returns {Promise<number>} the exit status */
async function main(options) {
  if (options.join(' ') === '--webgpu') return addWebgpu();
  const wish = parse(options);
  if (wish === undefined) {
    console.log(help);
    return options.includes('--help') ? 0 : 2;
  }
  const automatic = wish.kind === 'auto' || wish.kind === 'best';
  if (wish.kind === 'auto' && process.env.BLOCKFORGE_SETUP === 'skip') return 0;
  try {
    report(await setUp(wish, context));
    return 0;
  } catch (error) {
    if (!automatic) {
      console.error(error instanceof Unavailable ? `setup: ${error.message}` : error);
      return 1;
    }
    // An installation never fails because of the engine, not even through a mistake of ours.
    const reason = `the set-up stopped unexpectedly: ${error.message}`;
    report(
      await fallBack(context, false, [reason]).catch(() => ({ engine: 'wasm', asked: false, why: [reason] })),
    );
    return 0;
  }
}

/** Beside whatever other engine there is. @returns {Promise<number>} the exit status */
async function addWebgpu() {
  try {
    await installWebgpu(join(import.meta.dirname, 'webgpu'), context);
    context.say('npm run gpu-check shows what it does on this machine');
    return 0;
  } catch (error) {
    console.error(error instanceof Unavailable ? `setup: ${error.message}` : error);
    return 1;
  }
}

/** @param {readonly string[]} options @returns {import('./setup/engines.js').Wish | undefined} */
function parse([option, folder, ...rest]) {
  if (option === undefined) return { kind: 'best' };
  if (option === '--libtensorflow' && folder && rest.length === 0) return { kind: 'folder', folder };
  if (folder !== undefined) return undefined;
  switch (option) {
    case '--auto':
      return { kind: 'auto' };
    case '--cpu':
      return { kind: 'cpu' };
    case '--cuda':
      return { kind: 'cuda' };
    case '--wasm':
      return { kind: 'wasm' };
    default:
      return undefined;
  }
}

/** @param {import('./setup/stamp.js').Stamp} stamp */
function report(stamp) {
  for (const reason of stamp.why) context.say(reason);
  if (stamp.engine === 'wasm')
    context.say('the engine is wasm; npm run pipeline -- doctor says what would make it faster');
  else context.say(`the engine is TensorFlow ${stamp.version} (${stamp.variant}), from ${stamp.folder}`);
}
