/**
 * Compute engines: one numerics code base on the TensorFlow.js API, the engine is a setting.
 * This file is the contract; `loadEngine` is the only place that imports an engine.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fail } from '../util/failure.ts';
import {
  installedEngines,
  resolveEngine,
  tensorflowFolder,
  webgpuFolder,
  type EngineChoice,
  type EngineName,
} from './installed.ts';

export type { EngineChoice, EngineName } from './installed.ts';

export interface Engine {
  readonly name: EngineName;
  /** Version of the compute library, e.g. "TensorFlow 2.21.0" or "tfjs-backend-wasm 4.22.0". */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
  /** Threads one process uses for one operation. */
  readonly threads: number;
  /** One line for people: "TensorFlow 2.21.0 on 2 CPU threads". */
  readonly description: string;
  /** Where `auto` fell back to wasm: why. */
  readonly note?: string;
}

export interface EngineOptions {
  /** Of one operation; TensorFlow takes it when it is loaded first. Default: all processors. */
  readonly threads?: number | undefined;
}

/**
 * Loads an engine and makes it the one that TensorFlow.js computes on. Nothing is imported before it is needed. Asking again is cheap,
 * and asking for the other engine switches (tensors stay readable: TensorFlow.js moves them).
 *
 * @throws BlockForgeError `engine-unavailable` where the engine asked for by name is missing or does not load.
 */
export async function loadEngine(choice: EngineChoice, options: EngineOptions = {}): Promise<Engine> {
  const engine = await startEngine(choice, options);
  // After it: what is imported with an engine registers gradients over ours.
  const { useProductGradient } = await import('./product-gradient.ts');
  useProductGradient();
  return engine;
}

async function startEngine(choice: EngineChoice, { threads }: EngineOptions): Promise<Engine> {
  const name = resolveEngine(choice);
  if (name === 'wasm') {
    const why = installedEngines().why.join('; ');
    return loadWasm(choice === 'auto' && why !== '' ? `TensorFlow is not installed: ${why}` : undefined);
  }
  try {
    return name === 'webgpu' ? await startWebgpu() : await loadTensorflow(threads);
  } catch (error) {
    const found = `installed, but it does not load: ${(error as Error).message}`;
    if (choice === 'auto') return loadWasm(`TensorFlow is ${found}`);
    return fail(
      {
        reason: 'engine-unavailable',
        subject: `engine ${name}`,
        found,
        next:
          name === 'webgpu'
            ? 'npm run gpu-check, or choose the engine "auto"'
            : 'npm run pipeline -- doctor, then npm run setup',
      },
      error,
    );
  }
}

interface TensorflowBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

async function loadTensorflow(asked?: number): Promise<Engine> {
  const tf = await import('@tensorflow/tfjs-core');
  const fromFolder = createRequire(join(tensorflowFolder, 'package.json'));
  const { load } = fromFolder('./load.cjs') as { load: (environment: NodeJS.ProcessEnv) => unknown };
  // Its C++ side reads the environment of the process, and nothing else.
  if (asked !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(asked);
  load(process.env);
  await tf.setBackend('tensorflow');
  const backend = tf.backend() as unknown as TensorflowBackend;
  const version = `TensorFlow ${backend.binding.TF_Version}`;
  const device = backend.isUsingGpuDevice ? 'gpu' : 'cpu';
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
  const where = device === 'gpu' ? 'an NVIDIA GPU' : cpuThreads(threads);
  return { name: 'tensorflow', version, device, threads, description: `${version} on ${where}` };
}

async function startWebgpu(): Promise<Engine> {
  const { loadWebgpu } = await import('./webgpu/load.ts');
  const { version: number, gpu, software } = await loadWebgpu(webgpuFolder);
  const version = `tfjs-backend-webgpu ${number}`;
  const device = software ? 'cpu' : 'gpu';
  return { name: 'webgpu', version, device, threads: 1, description: `${version} on ${gpu}` };
}

async function loadWasm(note?: string): Promise<Engine> {
  const tf = await import('@tensorflow/tfjs-core');
  // For its side effect: only the union package registers the gradients of the operations.
  await import('@tensorflow/tfjs');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (tf.getBackend() !== 'wasm') {
    const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(dirname(entry) + sep);
    if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js did not accept its wasm backend');
  }
  const version = `tfjs-backend-wasm ${wasm.version_wasm}`;
  // TensorFlow.js keeps its wasm threads switched off in Node (flags_wasm.ts), whatever the number asked for.
  const engine = { name: 'wasm', version, device: 'cpu', threads: 1 } as const;
  const description = `${version} on ${cpuThreads(1)}`;
  return note === undefined ? { ...engine, description } : { ...engine, description, note };
}

function cpuThreads(count: number): string {
  return count === 1 ? '1 CPU thread' : `${count} CPU threads`;
}
