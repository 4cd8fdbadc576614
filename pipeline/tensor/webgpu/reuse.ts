/**
 * What a call costs on the host. The backend makes a uniform buffer, a bind group and often a scalar's buffer for every operation, and
 * copies each scalar by way of a staging buffer, which also ends the compute pass. A training step is the same seventy
 * operations over and over: here each of these is made once and found again.
 */
import { util } from '@tensorflow/tfjs-core';
import { stageUploads } from './staging.ts';
import type {
  Backend,
  BindGroupEntry,
  Buffer,
  Device,
  Pipeline,
  Uniform,
  UniformBinding,
  Values,
} from './types.ts';

/** Uploads up to this go through the queue, larger ones through memory that both sides see. */
const smallBytes = 65536;
/** Of each kind that is kept; beyond, things are made anew as the backend does. */
const mostKept = 16384;

/** `GPUBufferUsage`: COPY_SRC 4, COPY_DST 8, STORAGE 128. */
const forTensors = 4 | 8 | 128;

export function reuseObjects(backend: Backend): void {
  reuseBindGroups(backend.device);
  reuseUniforms(backend);
  quickenUploads(backend);
}

function reuseBindGroups(device: Device): void {
  const numbers = new WeakMap<object, number>();
  let next = 0;
  const numberOf = (thing: object): number => {
    const known = numbers.get(thing);
    if (known !== undefined) return known;
    numbers.set(thing, ++next);
    return next;
  };
  const createPipeline = device.createComputePipeline.bind(device);
  device.createComputePipeline = (description) => {
    const pipeline: Pipeline = createPipeline(description);
    const layout = pipeline.getBindGroupLayout(0);
    pipeline.getBindGroupLayout = () => layout;
    return pipeline;
  };
  const groups = new Map<string, object>();
  const createGroup = device.createBindGroup.bind(device);
  device.createBindGroup = (description) => {
    const { layout, entries } = description;
    const buffers = entries.map(({ resource }: BindGroupEntry) => resource.buffer);
    // Textures have no buffer; parts of buffers are made by nobody here.
    if (buffers.includes(undefined)) return createGroup(description);
    let key = String(numberOf(layout));
    for (const buffer of buffers as readonly Buffer[]) key += `,${numberOf(buffer)}`;
    const known = groups.get(key);
    if (known !== undefined) return known;
    // A job that changes its shapes leaves groups behind that are never asked for again.
    if (groups.size >= mostKept) groups.clear();
    const group = createGroup(description);
    groups.set(key, group);
    return group;
  };
}

function reuseUniforms(backend: Backend): void {
  const known = new Map<string, UniformBinding>();
  const make = backend.makeUniforms.bind(backend);
  backend.makeUniforms = (uniforms: readonly Uniform[]) => {
    let key = '';
    for (const { type, data } of uniforms) key += `${type} ${data.join()};`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= mostKept) return make(uniforms);
    const { buffer: pooled, size } = make(uniforms);
    const lent = backend.uniformPendingDisposal.pop();
    if (lent !== pooled) throw new Error('tfjs-backend-webgpu keeps its uniforms otherwise than 4.22.0 did');
    const binding = { offset: 0, size, buffer: pooled };
    known.set(key, binding);
    return binding;
  };
}

/**
 * The backend's own way makes a staging buffer for each upload, copies with a command of its own and ends the pass for it. What the queue writes
 * comes before all commands that are not sent yet; none of those uses the buffer, which comes out of the pool or is new. Scalars are kept.
 */
function quickenUploads(backend: Backend): void {
  const known = new Map<string, Buffer>();
  const stage = stageUploads(backend);
  const upload = backend.uploadToGPU.bind(backend);
  backend.uploadToGPU = (dataId) => {
    const tensor = backend.tensorMap.get(dataId);
    const { values, dtype, shape } = tensor;
    const size = util.sizeFromShape([...shape]);
    const isWord = dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
    if (tensor.resource || !values || !isWord || size === 0) return upload(dataId);
    const words = wordsOf(values, dtype);
    if (size === 1) {
      const key = `${dtype} ${Object.is(words[0], -0) ? '-0' : words[0]}`;
      const found = known.get(key);
      if (found === undefined && known.size < mostKept) {
        const buffer = backend.device.createBuffer({ size: 4, usage: forTensors });
        backend.queue.writeBuffer(buffer, 0, words);
        known.set(key, buffer);
      }
      const kept = known.get(key);
      if (kept !== undefined) {
        // The backend does not put what is external back into its pool.
        Object.assign(tensor, { resource: kept, external: true, values: null });
        return;
      }
    }
    const buffer = backend.bufferManager.acquireBuffer(size * 4, forTensors);
    if (size * 4 <= smallBytes) backend.queue.writeBuffer(buffer, 0, words);
    else stage(buffer, words);
    Object.assign(tensor, { resource: buffer, values: null });
  };
}

/** Four bytes each, as shaders read them; without a copy where they are that already. */
function wordsOf(values: Values, dtype: 'float32' | 'int32' | 'bool'): Float32Array | Int32Array {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  return values instanceof Int32Array ? values : Int32Array.from(values);
}
