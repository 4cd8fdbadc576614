import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { fail } from '../../util/failure.ts';
import type { BackendName } from './messages.ts';

/** Below this many multiply-adds, handing work to a GPU takes longer than doing it. */
const smallMacs = 100e6;

/**
 * Makes TensorFlow.js compute with what was asked for, or with what suits a model of so many multiply-adds.
 * @throws BlockForgeError `engine-unavailable`
 */
export async function startBackend(
  choice: BackendName | 'auto',
  base: string,
  macs: number,
): Promise<{ readonly name: BackendName; readonly description: string }> {
  setWasmPaths(base);
  // Threads need memory that is shared, which only isolated pages have; elsewhere detecting it would warn.
  if (!globalThis.crossOriginIsolated) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const order: readonly BackendName[] =
    choice !== 'auto'
      ? [choice]
      : macs < smallMacs
        ? ['wasm', 'webgpu', 'webgl']
        : ['webgpu', 'wasm', 'webgl'];
  const reasons: string[] = [];
  for (const name of order) {
    const problem = await tryBackend(name);
    if (problem === undefined) return { name, description: await describe(name) };
    reasons.push(`${name}: ${problem}`);
  }
  return fail({
    reason: 'engine-unavailable',
    subject: 'this browser',
    found: reasons.join('; '),
    next: 'choose another engine below, or another browser',
  });
}

/** @returns what went wrong */
async function tryBackend(name: BackendName): Promise<string | undefined> {
  try {
    if (name === 'webgpu' && (await adapterHere()) === null) return 'no WebGPU here';
    return (await tf.setBackend(name)) ? undefined : 'it does not start';
  } catch (error) {
    return (error as Error).message;
  }
}

async function describe(name: BackendName): Promise<string> {
  if (name === 'webgl') return 'WebGL';
  if (name === 'webgpu') {
    const adapter = await adapterHere();
    const { vendor = '', architecture = '' } = adapter?.info ?? {};
    return `WebGPU${vendor === '' ? '' : ` on ${`${vendor} ${architecture}`.trim()}`}`;
  }
  // Asked of one that has no threads, it throws.
  const threads = (await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT')) ? getThreadsCount() : 1;
  return `WebAssembly ${version_wasm}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
}

/** Browsers without WebGPU, and pages that came over http, have no `gpu`. */
async function adapterHere(): Promise<GPUAdapter | null> {
  const { gpu } = navigator as { gpu?: GPU };
  return (await gpu?.requestAdapter()) ?? null;
}
