/** @typedef {import('./look.js').Nvidia} Nvidia */
/** @typedef {import('./look.js').Card} Card */

/**
 * Why CUDA will not work here, and what to do.
 *
 * @typedef {object} Obstacle
 * @property {string} why
 * @property {string} remedy a command, or what to do
 * @property {'certain' | 'likely' | 'possible'} weight a certain one makes trying pointless, a likely one is tried only when asked for, a
 *   possible one explains why TensorFlow sees no GPU when it does not
 */

/**
 * What TensorFlow 2.21's wheel is built with: CUDA 12.5.1, cuDNN 9.3, kernels for these cards (`.bazelrc`:
 * sm_60, sm_70, sm_80, sm_89, compute_90). NVIDIA's "Minor Version Compatibility" lets CUDA 12 run on drivers from 525 on.
 */
export const wheel = {
  cuda: '12.5',
  oldestDriver: 525,
  /** Older drivers cannot compile what CUDA 12.5 wrote for cards that there are no finished kernels for. */
  oldestCompilingDriver: 555,
  oldestCard: 6,
  /** Cards from here on get their kernels from the driver's compiler. */
  firstCompiledFor: 9,
  /**
   * From here on the driver's compiler refuses the wheel's kernels: CUDA_ERROR_INVALID_PTX, tensorflow/tensorflow#99592, #101746 (2.20) and
   * #111958 (2.21).
   */
  firstRefused: 10,
};

const toolkit =
  'start the container with --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility (the host needs nvidia-container-toolkit)';
const newDriver =
  "install NVIDIA's newest driver (Debian: apt-get install nvidia-driver, Ubuntu: ubuntu-drivers install) and reboot";
const otherEngine = 'npm run setup -- --webgpu, then --engine webgpu';

/** What nvidia-smi says when it fails. @type {readonly { words: RegExp, why: string, remedy: (found: Nvidia) => string }[]} */
const sayings = [
  {
    words: /library version mismatch/i,
    why: "NVIDIA's driver was updated while the old one is still loaded",
    remedy: ({ container }) =>
      container ? 'restart the container, and if that is not enough its host' : 'reboot',
  },
  {
    words: /couldn't communicate with the NVIDIA driver/i,
    why: "NVIDIA's driver is installed, but its kernel module is not loaded",
    remedy: ({ container }) =>
      container
        ? toolkit
        : 'modprobe nvidia, and if that fails install the driver anew for the running kernel',
  },
  {
    words: /libnvidia-ml|NVML: Function Not Found/i,
    why: 'nvidia-smi is here, its library libnvidia-ml is not',
    remedy: ({ container }) => (container ? toolkit : newDriver),
  },
  {
    words: /insufficient permissions/i,
    why: 'this user may not use the GPU',
    remedy: () => 'usermod -aG video,render $USER and log in again',
  },
  {
    words: /NVML: Unknown Error/i,
    why: 'the container has lost its GPU',
    remedy: () => 'restart the container',
  },
  {
    words: /no devices (were )?found/i,
    why: "NVIDIA's driver sees no GPU",
    remedy: ({ container }) =>
      container ? toolkit : 'dmesg | grep NVRM says why; often a newer driver is needed',
  },
];

/**
 * In the order in which they have to be removed.
 *
 * @type {readonly { weight: Obstacle['weight'], when: (found: Nvidia) => boolean, why: (found: Nvidia) => string, remedy: (found: Nvidia) => string }[]}
 */
const table = [
  {
    weight: 'certain',
    when: ({ state }) => state === 'no-driver',
    why: ({ container }) =>
      container
        ? 'there is an NVIDIA GPU, which this container does not get'
        : 'there is an NVIDIA GPU, but no driver of NVIDIA for it',
    remedy: ({ container }) => (container ? toolkit : newDriver),
  },
  {
    weight: 'certain',
    when: ({ forbidden }) => forbidden.length > 0,
    why: ({ forbidden }) => `this user may not open ${forbidden.join(', ')}`,
    remedy: () => 'usermod -aG video,render $USER and log in again (ls -l /dev/nvidia* shows the group)',
  },
  {
    weight: 'certain',
    when: ({ state }) => state === 'no-tool',
    why: () => "NVIDIA's driver is loaded, but there is no nvidia-smi",
    remedy: ({ container }) =>
      container
        ? toolkit
        : 'install the package of the driver that holds nvidia-smi (Debian: nvidia-smi, Ubuntu: nvidia-utils-*)',
  },
  {
    weight: 'certain',
    when: ({ state }) => state === 'broken',
    why: ({ words }) => {
      const known = sayings.find((saying) => saying.words.test(words ?? ''));
      return known?.why ?? `nvidia-smi fails: ${words}`;
    },
    remedy: (found) =>
      sayings.find((saying) => saying.words.test(found.words ?? ''))?.remedy(found) ?? newDriver,
  },
  {
    weight: 'certain',
    when: ({ driver }) => majorOf(driver) < wheel.oldestDriver,
    why: ({ driver }) =>
      `NVIDIA's driver ${driver} is too old for CUDA ${wheel.cuda}, which needs ${wheel.oldestDriver} or newer`,
    remedy: ({ container }) => (container ? `on the host: ${newDriver}` : newDriver),
  },
  {
    weight: 'certain',
    when: ({ state, visible }) =>
      state === 'found' && visible !== undefined && /^\s*($|-|NoDevFiles)/.test(visible),
    why: ({ visible }) => `CUDA_VISIBLE_DEVICES="${visible}" hides every GPU`,
    remedy: () => 'unset CUDA_VISIBLE_DEVICES',
  },
  {
    weight: 'certain',
    when: ({ cards }) => cards.length > 0 && cards.every((card) => card.divided && card.slices === 0),
    why: ({ cards }) => `${cards[0]?.name} is in MIG mode and not divided, so programs see no GPU`,
    remedy: () =>
      'nvidia-smi mig -cgi 0 -C makes one slice of the whole card; nvidia-smi -mig 0 ends the mode',
  },
  {
    weight: 'certain',
    when: ({ cards }) => everyCapability(cards, (capability) => capability < wheel.oldestCard),
    why: ({ cards }) =>
      `${named(cards)} is older than TensorFlow's kernels, which begin at ${wheel.oldestCard}.0`,
    remedy: () => otherEngine,
  },
  {
    weight: 'likely',
    when: ({ cards }) => everyCapability(cards, (capability) => capability >= wheel.firstRefused),
    why: ({ cards }) =>
      `TensorFlow 2.21 has no kernels for ${named(cards)}, and the driver is reported to refuse to compile them`,
    remedy: () => otherEngine,
  },
  {
    weight: 'possible',
    when: ({ cards, driver }) =>
      majorOf(driver) < wheel.oldestCompilingDriver &&
      everyCapability(cards, (capability) => capability >= wheel.firstCompiledFor),
    why: ({ cards, driver }) =>
      `${named(cards)} gets its kernels compiled by the driver, and ${driver} may be too old for those of CUDA ${wheel.cuda}`,
    remedy: ({ container }) => (container ? `on the host: ${newDriver}` : newDriver),
  },
  {
    weight: 'possible',
    when: ({ unifiedMemory }) => !unifiedMemory,
    why: () => '/dev/nvidia-uvm is missing, through which CUDA manages memory',
    remedy: ({ container }) => (container ? toolkit : 'nvidia-modprobe -u -c 0'),
  },
];

/** @param {Nvidia} found @returns {readonly Obstacle[]} what weighs more first */
export function obstaclesOf(found) {
  return table
    .filter(({ when }) => when(found))
    .map(({ weight, why, remedy }) => ({ weight, why: why(found), remedy: remedy(found) }));
}

/** @param {Pick<Obstacle, 'why' | 'remedy'>} obstacle */
export const sentenceOf = ({ why, remedy }) => `${why}; ${remedy}`;

/** @param {string | undefined} version @returns {number} NaN where unknown, which is neither older nor newer */
const majorOf = (version) => Number(version?.split('.')[0] ?? NaN);

/** @param {readonly Card[]} cards @param {(capability: number) => boolean} holds */
const everyCapability = (cards, holds) =>
  cards.length > 0 && cards.every(({ capability }) => capability !== undefined && holds(Number(capability)));

/** @param {readonly Card[]} cards */
const named = ([card]) => `${card?.name} (compute capability ${card?.capability})`;
