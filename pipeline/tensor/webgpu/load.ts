/**
 * The engine for GPUs without CUDA: Dawn, the WebGPU of Chromium, as an addon of Node.js (npm `webgpu`), under
 * `@tensorflow/tfjs-backend-webgpu`. Vulkan on Linux, Metal on macOS, Direct3D on Windows.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { correctBackend } from './correct-backend.ts';
import { boundPool } from './pool.ts';
import { replaceProduct } from './product.ts';
import { reuseObjects } from './reuse.ts';
import type { Adapter, Backend, Gpu } from './types.ts';
import { replaceSum } from './sum.ts';
import { interceptTasks } from './waiting.ts';

export interface Webgpu {
  /** Of tfjs-backend-webgpu. */
  readonly version: string;
  /** As the driver calls it, e.g. "NVIDIA H100 80GB HBM3". */
  readonly gpu: string;
  /** No hardware: a software driver, fit for tests only. */
  readonly software: boolean;
}

let loaded: Promise<Webgpu> | undefined;

/**
 * Registers the 'webgpu' backend and makes it the current one.
 *
 * @param folder holds the two packages in its node_modules
 * @throws Error where there is no package, no driver or no GPU
 */
export async function loadWebgpu(folder: string): Promise<Webgpu> {
  loaded ??= start(folder);
  const webgpu = await loaded;
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js did not accept its webgpu backend');
  return webgpu;
}

async function start(folder: string): Promise<Webgpu> {
  interceptTasks();
  const fromFolder = createRequire(join(folder, 'package.json'));
  const entry = pathToFileURL(fromFolder.resolve('webgpu')).href;
  const dawn = (await import(entry)) as { create: (flags: readonly string[]) => Gpu; globals: object };
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error(noAdapter());
  standIn(dawn.globals, gpu);
  // For its side effect: only the union package registers the gradients of the operations.
  await import('@tensorflow/tfjs');
  const { WebGPUBackend } = fromFolder('@tensorflow/tfjs-backend-webgpu') as {
    WebGPUBackend: new (device: unknown, info: unknown) => Backend;
  };
  replaceProduct();
  replaceSum();
  const device = await adapter.requestDevice(deviceRequest(adapter));
  tf.removeBackend('webgpu');
  tf.registerBackend(
    'webgpu',
    () => {
      const backend = new WebGPUBackend(device, adapter.info);
      boundPool(backend.bufferManager);
      reuseObjects(backend);
      return correctBackend(backend);
    },
    0,
  );
  const { version } = fromFolder('@tensorflow/tfjs-backend-webgpu/package.json') as { version: string };
  const { device: name, description, vendor, architecture, isFallbackAdapter } = adapter.info;
  const software = isFallbackAdapter || architecture === 'swiftshader';
  return { version, gpu: name || description || `${vendor} ${architecture}`, software };
}

/** What a browser has and Node.js has not. */
function standIn(globals: object, gpu: Gpu): void {
  Object.assign(globalThis, globals);
  const place = globalThis as { navigator?: object };
  if (place.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  }
  Object.defineProperty(place.navigator, 'gpu', { value: gpu, configurable: true });
}

/** All that this adapter allows: by default a buffer may hold 128 MiB and a shader see 8 of them. */
function deviceRequest({ features, limits }: Adapter): object {
  const names = [
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension',
    'maxComputeWorkgroupSizeX',
    'maxComputeInvocationsPerWorkgroup',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxBufferSize',
  ];
  return {
    requiredFeatures: ['timestamp-query'].filter((feature) => features.has(feature)),
    requiredLimits: Object.fromEntries(names.map((name) => [name, limits[name]])),
  };
}

function noAdapter(): string {
  return process.platform === 'linux'
    ? 'no GPU with a Vulkan driver is visible (Debian and Ubuntu: the package libvulkan1, and the driver of the GPU)'
    : 'no GPU with a driver for WebGPU is visible';
}
