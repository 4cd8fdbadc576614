import * as tf from '@tensorflow/tfjs-core';
import { productShader, type Tile } from './product-shader.ts';
import { replaceKernel } from './replace-kernel.ts';
import type { Backend } from './types.ts';

/** What the backend wants of a program. */
interface Program {
  readonly variableNames: readonly string[];
  readonly uniforms: string;
  readonly shaderKey: string;
  readonly outputShape: readonly number[];
  readonly workgroupSize: readonly [number, number, number];
  readonly dispatchLayout: { readonly x: number[]; readonly y?: number[]; readonly z?: number[] };
  readonly dispatch: readonly [number, number, number];
  getUserCode(): string;
}

/** Workgroups that keep a large GPU busy. */
const enough = 256;
/** Terms below which a product is not shared out. */
const longest = 512;
/** Below this in either direction most of a tile would be waste; then the backend's own kernels do. */
const smallest = 24;

/**
 * Replaces the backend's matrix product where matrices are large or long. Measured on an H200, stock against this: 8192 x 768 x 1536 19
 * and 27 TFLOP/s, the second transposed 13 and 23, 8192 x 8192 x 8192 24 and 33. The backend's own also shares out long
 * sums by atomic additions, whose order nothing fixes.
 */
export function replaceProduct(): void {
  replaceKernel('BatchMatMul', ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as unknown as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
    const plan = planProduct(a.shape, b.shape, transposeA, transposeB);
    return plan && runProduct(backend as unknown as Backend, a, b, plan);
  });
}

export interface ProductPlan {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly tile: Tile;
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly stepA: number;
  readonly stepB: number;
  /** Shares of the terms, added up in a second pass; only where batch is 1. */
  readonly shares: number;
  readonly shape: readonly number[];
}

/** How to compute a product, or undefined where the backend's own kernel does it as well. */
export function planProduct(
  a: readonly number[],
  b: readonly number[],
  transposeA: boolean,
  transposeB: boolean,
): ProductPlan | undefined {
  const [rows, inner] = lastTwo(a, transposeA);
  const [, columns] = lastTwo(b, transposeB);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const [batchA, batchB, batch] = [a.slice(0, -2), b.slice(0, -2), outer].map(sizeOf) as [
    number,
    number,
    number,
  ];
  // A batch against a batch of the same size, or against one matrix.
  if ((batchA !== batch && batchA !== 1) || (batchB !== batch && batchB !== 1)) return undefined;
  const isLong = batch === 1 && inner >= 2 * longest;
  if (!isLong && (rows < smallest || columns < smallest)) return undefined;
  const groups = (tile: Tile): number => batch * Math.ceil(rows / tile) * Math.ceil(columns / tile);
  const tile = groups(128) >= enough && rows > 64 && columns > 64 ? 128 : 64;
  const wanted = Math.ceil(enough / groups(tile));
  const shares = isLong ? Math.max(1, Math.min(wanted, Math.floor(inner / longest), 64)) : 1;
  // More workgroups in one direction than every device allows.
  if (Math.max(rows / 64, columns / 64, batch) > 65535) return undefined;
  return {
    ...{ transposeA, transposeB, tile, batch, rows, columns, inner, shares },
    stepA: batchA === 1 ? 0 : rows * inner,
    stepB: batchB === 1 ? 0 : inner * columns,
    shape: [...outer, rows, columns],
  };
}

function lastTwo(shape: readonly number[], transposed: boolean): [number, number] {
  const [first, second] = shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1);

function runProduct(backend: Backend, a: tf.TensorInfo, b: tf.TensorInfo, plan: ProductPlan): tf.TensorInfo {
  const { transposeA, transposeB, tile, batch, rows, columns, inner, stepA, stepB, shares, shape } = plan;
  const chunk = Math.ceil(inner / shares / 16) * 16;
  const split = shares > 1;
  const z = split ? shares : batch;
  const tiles = [Math.ceil(columns / tile), Math.ceil(rows / tile)] as const;
  const program: Program = {
    variableNames: ['A', 'B'],
    uniforms: 'rows : i32, columns : i32, inner : i32, chunk : i32, stepA : i32, stepB : i32,',
    shaderKey: `blockforgeProduct_${tile}_${transposeA}_${transposeB}_${split}`,
    outputShape: [z, rows, columns],
    workgroupSize: [256, 1, 1],
    dispatchLayout: { x: [2], y: [1], z: [0] },
    dispatch: [...tiles, z],
    getUserCode: () => productShader(tile, transposeA, transposeB, split),
  };
  const uniforms = [rows, columns, inner, chunk, stepA, stepB].map((value) => ({
    type: 'int32',
    data: [value],
  }));
  const made = backend.runWebGPUProgram(program, [a, b], 'float32', uniforms);
  if (!split) return reshaped(made, shape);
  const total = backend.runWebGPUProgram(sumOfShares(rows * columns), [made], 'float32', [
    { type: 'int32', data: [shares] },
  ]);
  backend.disposeData(made.dataId);
  return reshaped(total, shape);
}

/** [shares, ...] -> their sum [size]. */
function sumOfShares(size: number): Program {
  const groups = Math.ceil(size / 64);
  return {
    variableNames: ['A'],
    uniforms: 'shares : i32,',
    shaderKey: 'blockforgeSumOfShares',
    outputShape: [size],
    workgroupSize: [64, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [groups, 1, 1],
    getUserCode: () => `
  fn main(index : i32) {
    if (index >= uniforms.outShape) { return; }
    var sum = 0.0;
    for (var i = 0; i < uniforms.shares; i++) { sum += A[i * uniforms.outShape + index]; }
    result[index] = sum;
  }`,
  };
}

/** The same numbers: a tensor of the engine is its memory, its type and a shape. */
function reshaped({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  return { dataId, dtype, shape: [...shape] };
}
