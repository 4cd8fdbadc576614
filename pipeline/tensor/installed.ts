import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { usableCores } from '../util/cgroup.ts';
import { fail } from '../util/failure.ts';
import { packageFolder } from '../util/package.ts';

const require = createRequire(import.meta.url);

/** What computes. */
export type EngineName = 'tensorflow' | 'wasm' | 'webgpu';

/** What a config and `--engine` take. */
export const engineChoices = ['auto', 'tensorflow', 'wasm', 'webgpu'] as const satisfies readonly (
  'auto' | EngineName
)[];
export type EngineChoice = (typeof engineChoices)[number];

/** The folder that `scripts/setup.js` installs the tensorflow engine's JavaScript side into. */
export const tensorflowFolder = join(packageFolder, 'scripts', 'tensorflow');

/** The folder that `npm run setup -- --webgpu` installs the webgpu engine's packages into. */
export const webgpuFolder = join(packageFolder, 'scripts', 'webgpu');

/** What `scripts/setup.js` leaves behind, in `scripts/tensorflow/node_modules/.blockforge-engine.json`. */
interface Stamp {
  readonly engine: 'tensorflow' | 'wasm';
  readonly version?: string;
  readonly variant?: 'cpu' | 'cuda';
  readonly folder?: string;
  readonly binding?: string;
  readonly platform?: string;
  readonly arch?: string;
  /** Why a faster engine is not there, one sentence per attempt. */
  readonly why?: readonly string[];
}

export interface InstalledEngines {
  readonly tensorflow?: {
    /** Of the C++ library, e.g. "2.21.0". */
    readonly version: string;
    readonly variant: 'cpu' | 'cuda';
    /** Holds the C++ libraries. */
    readonly folder: string;
  };
  readonly wasm: { readonly version: string };
  /** Its packages are here; whether there is a GPU with a driver shows when it is loaded. */
  readonly webgpu?: { readonly version: string };
  /** Why there is no tensorflow, or no CUDA variant, as the last set-up said it; may be empty. */
  readonly why: readonly string[];
}

/** Which engines this installation has, from files alone: nothing is loaded. */
export function installedEngines(folder = tensorflowFolder): InstalledEngines {
  const stamp = readStamp(folder);
  const { version: wasmVersion } = require('@tensorflow/tfjs-backend-wasm/package.json') as {
    version: string;
  };
  const wasm = { version: wasmVersion };
  const webgpu = webgpuPackages();
  const always = webgpu === undefined ? { wasm } : { wasm, webgpu };
  if (stamp === undefined) return { ...always, why: ['the set-up has not been run'] };
  const { version, variant, folder: libraries, binding } = stamp;
  const why = stamp.why ?? [];
  if (stamp.engine !== 'tensorflow' || !version || !variant || !libraries || !binding)
    return { ...always, why };
  if (stamp.platform !== process.platform || stamp.arch !== process.arch) {
    return {
      ...always,
      why: [`it was set up for ${stamp.platform} on ${stamp.arch}, this is another machine`],
    };
  }
  const missing = [binding, libraries].find((path) => !existsSync(path));
  if (missing !== undefined) return { ...always, why: [`${missing} is gone (was the cache emptied?)`] };
  return { tensorflow: { version, variant, folder: libraries }, ...always, why };
}

/**
 * The engine a choice stands for on this machine, without loading it.
 * @throws BlockForgeError `engine-unavailable` where tensorflow or webgpu is asked for by name and is not installed.
 */
export function resolveEngine(choice: EngineChoice, installed = installedEngines()): EngineName {
  if (choice === 'wasm') return 'wasm';
  if (choice === 'webgpu') {
    if (installed.webgpu !== undefined) return 'webgpu';
    return fail({
      reason: 'engine-unavailable',
      subject: 'engine webgpu',
      found: 'not installed',
      next: 'npm run setup -- --webgpu, or choose the engine "auto"',
    });
  }
  if (installed.tensorflow !== undefined) return 'tensorflow';
  if (choice === 'auto') return 'wasm';
  return fail({
    reason: 'engine-unavailable',
    subject: 'engine tensorflow',
    found: `not installed: ${installed.why.join('; ') || 'no reason was recorded'}`,
    next: 'npm run setup -- --cpu (or --cuda), or choose the engine "auto"',
  });
}

/** One process's worth of compute: how many may run side by side, and what each one's environment adds. */
export interface EngineSlots {
  readonly count: number;
  /** By slot, `count` entries. */
  readonly environment: readonly Readonly<Record<string, string>>[];
}

/**
 * How to fill this machine: wasm computes on one thread, so one process per core that it may use (affinity, quotas of containers); TensorFlow on CPUs fills all cores from one process,
 * webgpu its GPU;
 * with CUDA one process per visible GPU, because the binding takes the last of several.
 */
export function engineSlots(
  name: EngineName,
  installed = installedEngines(),
  environment: NodeJS.ProcessEnv = process.env,
): EngineSlots {
  if (name === 'wasm') {
    const count = usableCores();
    return { count, environment: Array.from({ length: count }, () => ({})) };
  }
  const devices =
    name === 'tensorflow' && installed.tensorflow?.variant === 'cuda' ? listGpus(environment) : [];
  if (devices.length === 0) return { count: 1, environment: [{}] };
  return {
    count: devices.length,
    environment: devices.map(({ device }) => ({
      CUDA_VISIBLE_DEVICES: device,
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    })),
  };
}

export interface Gpu {
  /** As CUDA_VISIBLE_DEVICES spells it: an index, or the UUID that the user set. */
  readonly device: string;
  readonly name: string;
}

/**
 * NVIDIA's GPUs that this process may use. As CUDA does, the list ends at the first entry of CUDA_VISIBLE_DEVICES that names no device.
 */
export function listGpus(environment: NodeJS.ProcessEnv = process.env): readonly Gpu[] {
  const listing = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 10_000, env: environment });
  if (listing.error !== undefined || listing.status !== 0) return [];
  const all = [...listing.stdout.matchAll(/^GPU (\d+): (.*?)(?: \(UUID: (\S+)\))?$/gm)].map((match) => ({
    device: match[1]!,
    name: match[2]!,
    uuid: match[3],
  }));
  const setting = environment.CUDA_VISIBLE_DEVICES;
  if (setting === undefined) return all.map(({ device, name }) => ({ device, name }));
  const visible: Gpu[] = [];
  for (const entry of setting.split(',').map((part) => part.trim())) {
    const gpu = all.find(
      ({ device, uuid }) => device === entry || (entry.startsWith('GPU-') && uuid?.startsWith(entry)),
    );
    // A slice of a GPU (MIG) is listed under it.
    const slice = entry.startsWith('MIG-') && listing.stdout.includes(`UUID: ${entry}`);
    if (gpu === undefined && !slice) break;
    visible.push({ device: entry, name: gpu?.name ?? entry });
  }
  return visible;
}

function webgpuPackages(): InstalledEngines['webgpu'] {
  const places = ['webgpu', '@tensorflow/tfjs-backend-webgpu'].map((name) =>
    join(webgpuFolder, 'node_modules', name, 'package.json'),
  );
  if (!places.every((place) => existsSync(place))) return undefined;
  return JSON.parse(readFileSync(places[1]!, 'utf8')) as { version: string };
}

function readStamp(folder: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'node_modules', '.blockforge-engine.json'), 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}
