import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { cudaLibraries, openLibraries } from '../../../scripts/setup/nvidia/libraries.js';
import { lookForNvidia, type Nvidia } from '../../../scripts/setup/nvidia/look.js';
import { loadEngine, type Engine } from '../../tensor/engine.ts';
import {
  engineSlots,
  installedEngines,
  listGpus,
  type Gpu,
  type InstalledEngines,
} from '../../tensor/installed.ts';
import { formatBytes } from '../../util/format.ts';
import { lookAtFunctions, type Functions } from './functions.ts';
import { findObstacle } from './obstacle.ts';

/** What a machine has for BlockForge, and what would make it faster. */
export interface DoctorReport {
  readonly node: { readonly version: string; readonly supported: boolean };
  readonly engine: Engine;
  /** Processes that run side by side with this engine. */
  readonly processes: number;
  readonly installed: InstalledEngines;
  readonly processor: { readonly model: string; readonly threads: number };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly disk: { readonly folder: string; readonly freeBytes: number };
  readonly gpus: readonly Gpu[];
  /** Whether code runs as TensorFlow functions; absent with engines that have none. */
  readonly functions?: Functions | undefined;
  /** Absent where there is nothing of NVIDIA's. */
  readonly nvidia?: Nvidia | undefined;
  /** Of the libraries that TensorFlow's CUDA variant opens; absent where that is not installed. */
  readonly cuda?: { readonly found: readonly string[]; readonly missing: readonly string[] } | undefined;
  /** Why an NVIDIA GPU is not used; absent where it is, or where nothing speaks against CUDA. */
  readonly obstacle?: { readonly why: string; readonly remedy: string } | undefined;
  /** The one thing to do; absent where nothing is to be gained. */
  readonly advice?: { readonly why: string; readonly command: string } | undefined;
}

type Findings = Omit<DoctorReport, 'advice'>;

/** A run writes checkpoints, feature caches and a library; below this it is likely to stop half-way. */
const smallDiskBytes = 5e9;

/**
 * Looks the machine over. Loads the engine that `auto` stands for, because only loading proves that it works.
 *
 * @param folder where runs will be written
 */
export async function examine(folder = process.cwd()): Promise<DoctorReport> {
  const installed = installedEngines();
  const gpus = listGpus();
  const nvidia = await lookForNvidia(process.env);
  const engine = await loadEngine('auto');
  const { tensorflow } = installed;
  const ownFolder = tensorflow?.variant === 'cuda' ? tensorflow.folder : undefined;
  const { bavail, bsize } = await statfs(folder);
  const findings: Findings = {
    node: { version: process.versions.node, supported: isSupportedNode(process.versions.node) },
    engine,
    processes: engineSlots(engine.name, installed).count,
    installed,
    processor: { model: cpus()[0]?.model.trim() ?? 'unknown', threads: availableParallelism() },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    disk: { folder: resolve(folder), freeBytes: bavail * bsize },
    gpus,
    functions: engine.name === 'tensorflow' ? lookAtFunctions() : undefined,
    nvidia: nvidia.state === 'none' ? undefined : nvidia,
    cuda: ownFolder === undefined ? undefined : await openCudaLibraries(ownFolder),
    obstacle: engine.device === 'gpu' ? undefined : await findObstacle(nvidia, tensorflow),
  };
  return { ...findings, advice: adviceFor(findings) };
}

async function openCudaLibraries(folder: string): Promise<DoctorReport['cuda']> {
  const { found, missing } = await openLibraries(Object.keys(cudaLibraries), folder, process.env);
  return { found, missing: missing.map(({ name }) => name) };
}

/** The first of these that applies: what keeps runs from working, then what makes them slow. */
export function adviceFor(found: Findings): DoctorReport['advice'] {
  const { engine, gpus, installed } = found;
  if (!found.node.supported) {
    return { why: `Node.js ${found.node.version} is older than 20.19`, command: 'nvm install 22' };
  }
  const { obstacle } = found;
  if (obstacle !== undefined && !(obstacle.remedy.includes('--webgpu') && installed.webgpu !== undefined)) {
    return { why: obstacle.why, command: obstacle.remedy };
  }
  const [gpu] = gpus;
  if (obstacle === undefined && gpu !== undefined && installed.tensorflow?.variant !== 'cuda') {
    const recorded = installed.why.length === 0 ? '' : `: ${installed.why.join('; ')}`;
    return { why: `${gpu.name} is not used${recorded}`, command: 'npm run setup -- --cuda' };
  }
  if (obstacle === undefined && gpu !== undefined && engine.device !== 'gpu') {
    const missing = found.cuda?.missing ?? [];
    const why = missing.length > 0 ? `missing ${missing.join(', ')}` : 'TensorFlow sees no GPU';
    return { why: `${gpu.name} is not used: ${why}`, command: 'npm run setup -- --cuda' };
  }
  if (engine.name === 'wasm') {
    const why = engine.note ?? 'wasm computes on one thread';
    return { why: `${why}; TensorFlow is several times faster`, command: commandAgainst(why) };
  }
  if (found.functions !== undefined && 'why' in found.functions && found.functions.remedy !== undefined) {
    return {
      why: `TensorFlow runs operation by operation: ${found.functions.why}`,
      command: found.functions.remedy,
    };
  }
  if (found.disk.freeBytes < smallDiskBytes) {
    return {
      why: `only ${formatBytes(found.disk.freeBytes)} of disk are free at ${found.disk.folder}`,
      command: 'du -sh runs/* | sort -h',
    };
  }
  return undefined;
}

/** What removes the recorded obstacle, where it is one that a package manager removes. */
function commandAgainst(why: string): string {
  if (process.platform === 'linux' && why.includes('no C++ compiler'))
    return 'apt-get install g++ && npm run setup';
  if (process.platform === 'linux' && /no Python 3|no pip/.test(why)) {
    return 'apt-get install python3-pip && npm run setup';
  }
  return 'npm run setup -- --cpu';
}

function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}
