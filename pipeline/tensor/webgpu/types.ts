import type { TensorInfo } from '@tensorflow/tfjs-core';

/** The part of WebGPU and of its backend that is touched here; the packages' own types want a browser's. */
export interface Gpu {
  requestAdapter(options: object): Promise<Adapter | null>;
}

export interface Adapter {
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
  requestDevice(request: object): Promise<Device>;
}

export interface Device {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  createBuffer(description: {
    readonly size: number;
    readonly usage: number;
    readonly mappedAtCreation?: boolean;
  }): Buffer;
  createComputePipeline(description: object): Pipeline;
  createBindGroup(description: BindGroup): object;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}

export interface Pipeline {
  getBindGroupLayout(index: number): object;
}

export interface BindGroup {
  readonly layout: object;
  readonly entries: readonly BindGroupEntry[];
}

export interface BindGroupEntry {
  readonly resource: { readonly buffer?: Buffer };
}

export interface Buffer {
  readonly size: number;
  readonly usage: number;
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(at?: number, size?: number): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** The backend's pool. */
export interface BufferManager {
  /** By `${size}_${usage}`. */
  readonly freeBuffers: ReadonlyMap<string, Buffer[]>;
  numFreeBuffers: number;
  readonly numBytesUsed: number;
  numBytesAllocated: number;
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): Buffer;
  releaseBuffer(buffer: Buffer, reuse?: boolean): void;
}

export type Values = Float32Array | Int32Array | Uint8Array;

export interface Uniform {
  readonly type: string;
  readonly data: readonly number[];
}

export interface UniformBinding {
  readonly offset: number;
  readonly size: number;
  readonly buffer: Buffer;
}

export interface TensorData {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool' | 'complex64' | 'string';
  readonly values?: Values | null;
  readonly resource?: Buffer | null;
}

/** `WebGPUBackend` of tfjs-backend-webgpu 4.22. */
export interface Backend {
  readonly device: Device;
  readonly queue: { writeBuffer(buffer: Buffer, at: number, data: Float32Array | Int32Array): void };
  readonly uniformPendingDisposal: Buffer[];
  readonly tensorMap: { get(dataId: object): TensorData };
  readonly bufferManager: BufferManager;
  readonly commandEncoder: {
    copyBufferToBuffer(source: Buffer, at: number, target: Buffer, to: number, size: number): void;
  };
  makeUniforms(uniforms: readonly Uniform[]): UniformBinding;
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  runWebGPUProgram(
    program: object,
    inputs: readonly TensorInfo[],
    dtype: 'float32',
    uniforms: readonly Uniform[],
  ): TensorInfo;
  disposeData(dataId: object): boolean;
  convertAndCacheOnCPU(dataId: object, values: Values): Values;
  readSync(dataId: object): Values;
  read(dataId: object): Promise<Values>;
}
