import type { Gelu } from '../model/architecture.ts';
import type { Extent } from '../model/family/image-size.ts';

/** A value inside a graph, by its name. */
export type Value = string;

/**
 * The operations that the models take, each with one meaning in every format: `model-graph.ts` says the model once, a builder
 * says how its format writes it down. Extents are numbers, except a leading -1: what the others leave.
 */
export interface GraphBuilder {
  /** The part of the model that the next operations belong to: their names start with it. */
  within(scope: string): void;
  /** The images, in the layout of the format: ONNX [B, C, height, width], TensorFlow.js [B, height, width, C]. */
  images(name: string, size: Extent, channels: number): Value;
  /** Any number of rows: [N, width]. */
  rows(name: string, width: number): Value;
  /** The weight of that name, wherever it lies; asked for again it is the same value. */
  weight(name: string): Value;
  /** Non-overlapping patches, row by row, projected: images, kernel [D, C, p, p], bias [D] -> [B, N, D]. */
  patches(images: Value, kernel: Value, bias: Value, patch: number): Value;
  /**
   * A convolution over zeros around the map, computed at every `stride`th place, max pooling of 3 x 3 at every second one, and what is below
   * zero cut off. x: images or another such map, in the layout of the format; kernel [out, in, k, k], k odd.
   */
  convolved(x: Value, kernel: Value, bias: Value, stride: number): Value;
  /** The `count` places of a map, row by row: -> [B, count, width]. */
  places(map: Value, count: number, width: number): Value;
  /** `x weight' + bias`, or without one. x: [N, in]; weight: [out, in], as PyTorch stores it. */
  linear(x: Value, weight: Value, bias?: Value): Value;
  /** Batches of matrices [B, h, M, K] x [B, h, K, N], or with `transposed` x [B, h, N, K]'. */
  matmul(a: Value, b: Value, transposed?: boolean): Value;
  add(a: Value, b: Value): Value;
  scale(x: Value, factor: number): Value;
  /** Number by number. */
  multiply(a: Value, b: Value): Value;
  /** Over the last axis. x: [N, D]. */
  layerNorm(x: Value, gamma: Value, beta: Value, epsilon: number): Value;
  /** `x / sqrt(share mean(x^2) + epsilon) gamma` over the last axis: an RMS norm of a stream of which a `share` is left. x: [N, D]. */
  rmsNorm(x: Value, gamma: Value, share: number, epsilon: number): Value;
  gelu(x: Value, kind: Gelu): Value;
  tanh(x: Value): Value;
  /** Over the last axis of x [B, h, M, N]. */
  softmax(x: Value): Value;
  /** Mean over axis 1, which goes. x: [B, N, D]. */
  mean(x: Value): Value;
  /** One behind the other along an axis. */
  concat(parts: readonly Value[], axis: number): Value;
  /** Maximum over axis 1, which goes. x: [B, N, D]. */
  max(x: Value): Value;
  reshape(x: Value, shape: readonly number[]): Value;
  transpose(x: Value, axes: readonly number[]): Value;
  /** Entries [from, to) of one axis. `rank`: of x. */
  slice(x: Value, rank: number, axis: number, from: number, to: number): Value;
  /** Zeros before and after the entries of one axis. `rank`: of x. */
  pad(x: Value, rank: number, axis: number, before: number, after: number): Value;
  /** Rows of a table [M, h], `index[i]` at place i: -> [n, h]. */
  take(table: Value, index: Int32Array): Value;
  /** What keeps tokens of different parts apart in a softmax: ids [W, N] -> [W, 1, N, N], 0 where both are equal and `-strength` elsewhere. */
  apart(ids: readonly Int32Array[], strength: number): Value;
  /** `x`, the result of the last operation, leaves the graph by that name. -> what later operations call it. */
  output(name: string, x: Value, width: number): Value;
}
