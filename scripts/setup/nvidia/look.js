import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../command.js';

/**
 * @typedef {object} Card
 * @property {number} index
 * @property {string} name
 * @property {string | undefined} capability compute capability, e.g. "9.0"
 * @property {boolean} divided MIG mode is on
 * @property {number} slices of a divided card
 */

/**
 * What there is of NVIDIA's on this machine, without TensorFlow.
 *
 * @typedef {object} Nvidia
 * @property {'none' | 'no-driver' | 'no-tool' | 'broken' | 'found'} state a card without driver; a driver without nvidia-smi; nvidia-smi
 *   fails; nvidia-smi lists at least one card
 * @property {readonly Card[]} cards
 * @property {string | undefined} driver its version, e.g. "550.54.15"
 * @property {string | undefined} words nvidia-smi's own, where it fails
 * @property {readonly string[]} forbidden device files that this user may not open
 * @property {boolean} unifiedMemory whether the device file that CUDA manages memory through is there, or need not be
 * @property {boolean} container this is one
 * @property {string | undefined} visible CUDA_VISIBLE_DEVICES
 */

/** Older drivers do not know all of them, and then answer nothing. */
const questions = [['driver_version', 'compute_cap', 'mig.mode.current'], ['driver_version']];

/**
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} [root] where dev/, proc/ and sys/ are
 * @returns {Promise<Nvidia>}
 */
export async function lookForNvidia(environment, root = '/') {
  const listing = await run('nvidia-smi', ['-L'], { env: environment, timeoutMs: 20_000 });
  const cards = cardsOf(listing.stdout);
  const found = listing.ok && cards.length > 0;
  const details = found ? await askDetails(environment) : [];
  const base = {
    driver: details[0]?.[1] ?? loadedDriver(root),
    forbidden: forbiddenFiles(root),
    // Where Windows is underneath, everything goes through one other file.
    unifiedMemory: !isThere(root, 'dev/nvidiactl') || isThere(root, 'dev/nvidia-uvm'),
    container: isContainer(environment, root),
    visible: environment.CUDA_VISIBLE_DEVICES,
  };
  if (found)
    return {
      ...base,
      state: 'found',
      words: undefined,
      cards: cards.map((card) => withDetails(card, details)),
    };
  const words = listing.missing ? undefined : saying(listing);
  if (words !== undefined) return { ...base, state: 'broken', cards: [], words };
  const driverIsThere = isThere(root, 'proc/driver/nvidia/version') || isThere(root, 'dev/nvidiactl');
  const state = driverIsThere ? 'no-tool' : hasCard(root) ? 'no-driver' : 'none';
  return { ...base, state, cards: [], words };
}

/** @param {string} text what `nvidia-smi -L` prints @returns {Card[]} */
function cardsOf(text) {
  /** @type {Card[]} */
  const cards = [];
  for (const line of text.split('\n')) {
    const [, index, name] = /^GPU (\d+): (.*?)(?: \(UUID: \S+\))?$/.exec(line) ?? [];
    const last = cards.at(-1);
    if (name !== undefined)
      cards.push({ index: Number(index), name, capability: undefined, divided: false, slices: 0 });
    else if (last !== undefined && /^\s+MIG /.test(line))
      cards[cards.length - 1] = { ...last, divided: true, slices: last.slices + 1 };
  }
  return cards;
}

/** @param {NodeJS.ProcessEnv} environment @returns {Promise<readonly string[][]>} per card: index, driver, capability, MIG mode */
async function askDetails(environment) {
  for (const fields of questions) {
    const query = [`--query-gpu=index,${fields.join(',')}`, '--format=csv,noheader,nounits'];
    const answer = await run('nvidia-smi', query, { env: environment, timeoutMs: 20_000 });
    const rows = answer.stdout.split('\n').map((line) => line.split(',').map((cell) => cell.trim()));
    const whole = rows.filter((cells) => cells.length === fields.length + 1 && /^\d+$/.test(cells[0] ?? ''));
    if (answer.ok && whole.length > 0) return whole;
  }
  return [];
}

/** @param {Card} card @param {readonly string[][]} details @returns {Card} */
function withDetails(card, details) {
  const [, , capability, mode] = details.find(([index]) => Number(index) === card.index) ?? [];
  return {
    ...card,
    capability: /^\d+\.\d+$/.test(capability ?? '') ? capability : undefined,
    divided: card.divided || mode === 'Enabled',
  };
}

/** @param {import('../command.js').Outcome} outcome */
function saying(outcome) {
  if (outcome.timedOut) return 'it does not answer';
  const [line] = `${outcome.stdout}\n${outcome.stderr}`.split('\n').filter((each) => each.trim() !== '');
  return line?.trim().slice(0, 200) ?? `exit status ${outcome.status}`;
}

/** @param {string} root */
function loadedDriver(root) {
  try {
    const text = readFileSync(join(root, 'proc/driver/nvidia/version'), 'utf8');
    return /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Those that everything goes through, and the cards' own where not one of them is free: on shared machines each user may have some.
 *
 * @param {string} root
 */
function forbiddenFiles(root) {
  const names = isThere(root, 'dev') ? readdirSync(join(root, 'dev')) : [];
  /** @param {RegExp} pattern */
  const matching = (pattern) =>
    names.filter((name) => pattern.test(name)).map((name) => join(root, 'dev', name));
  const cards = matching(/^nvidia\d+$/);
  const common = matching(/^nvidia(ctl|-uvm)$/).filter((path) => !mayOpen(path));
  return cards.some(mayOpen) ? common : [...cards, ...common];
}

/** @param {string} path */
function mayOpen(path) {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A display or 3D controller of NVIDIA's on the bus; containers see those of their host. @param {string} root */
function hasCard(root) {
  const bus = join(root, 'sys/bus/pci/devices');
  const names = existsSync(bus) ? readdirSync(bus) : [];
  return names.some((name) => {
    try {
      const [vendor, kind] = ['vendor', 'class'].map((file) =>
        readFileSync(join(bus, name, file), 'utf8').trim(),
      );
      return vendor === '0x10de' && kind?.startsWith('0x03');
    } catch {
      return false;
    }
  });
}

/** @param {NodeJS.ProcessEnv} environment @param {string} root */
function isContainer(environment, root) {
  if (environment.container || environment.KUBERNETES_SERVICE_HOST) return true;
  return isThere(root, '.dockerenv') || isThere(root, 'run/.containerenv');
}

/** @param {string} root @param {string} name */
const isThere = (root, name) => existsSync(join(root, name));
