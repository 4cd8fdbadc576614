import * as tf from '@tensorflow/tfjs-core';
import { cpus } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Gelu } from '../model/architecture.ts';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import { randomFfn } from '../model/ffn-weights.ts';
import { loadEngine, type EngineName } from '../tensor/engine.ts';
import { layerNorm } from '../tensor/ops.ts';
import { known } from '../util/known.ts';
import { median, quantile } from '../util/quantile.ts';
import { random, type Random } from '../util/random.ts';

/** An FFN block of some size, at its place in a model. */
export interface BlockVariant {
  /** H' */
  readonly hidden: number;
  /** D */
  readonly width: number;
  /** T, per image */
  readonly tokens: number;
}

export interface LatencyOptions {
  /** Each once, the teacher's own among them. */
  readonly variants: readonly BlockVariant[];
  readonly batchSize: number;
  /** Rounds that are not counted, and rounds that are. A round runs every variant once. */
  readonly warmup: number;
  readonly iterations: number;
  readonly gelu?: Gelu;
  /** Whether the blocks have a gate. Default: no. */
  readonly gated?: boolean | undefined;
  readonly layerNormEpsilon?: number;
  readonly signal?: AbortSignal;
}

/** One run of the block (LayerNorm, fc1, GELU, fc2, and a gate where it has one) on one batch, in milliseconds. */
export interface WidthLatency {
  readonly hidden: number;
  /** Where variants differ in them. */
  readonly width?: number;
  readonly tokens?: number;
  readonly p50: number;
  readonly p90: number;
}

export interface LatencyProfile {
  /** In the order asked for. */
  readonly widths: readonly WidthLatency[];
  /** What the times hold for. */
  readonly profile: {
    readonly cpuModel: string;
    readonly engine: string;
    readonly device: 'cpu' | 'gpu';
    readonly threads: number;
    readonly batchSize: number;
    /** Where variants differ, those of the first. */
    readonly tokens: number;
    readonly warmup: number;
    readonly iterations: number;
  };
}

/**
 * Times FFN blocks of several sizes on the engine that is loaded, with random weights and inputs (time does not
 * depend on the values). Every round runs all variants in a new order, so drift (clock, heat, neighbours) meets all
 * alike; every run ends by reading a number that depends on the whole output, so nothing is still under way. What a
 * run costs without the block, that read included, is measured in the same rounds and subtracted.
 */
export async function profileWidths(options: LatencyOptions): Promise<LatencyProfile> {
  const { variants, batchSize, warmup, iterations, signal } = options;
  const { gelu = 'exact', gated = false, layerNormEpsilon = 1e-6 } = options;
  const draw = random(1, 'latency');
  const streams = new Map(
    variants.map(({ width, tokens }) => [`${width} ${tokens}`, { width, rows: batchSize * tokens }]),
  );
  const inputs = new Map(
    [...streams].map(([key, { width, rows }]) => [
      key,
      {
        x: tf.tensor2d(normals(draw, rows * width), [rows, width]),
        gamma: tf.ones([width]),
        beta: tf.zeros([width]),
      },
    ]),
  );
  const blocks = variants.map(({ width, hidden }) =>
    uploadFfn(randomFfn(width, hidden, () => draw.normal(), gated)),
  );
  const finish = (y: tf.Tensor): void => void tf.sum(y).dataSync();
  const runs: (() => void)[] = blocks.map((ffn, index) => {
    const { width, tokens } = variants[index]!;
    const { x, gamma, beta } = known(inputs, `${width} ${tokens}`);
    return () => finish(applyFfn(ffn, layerNorm(x, gamma, beta, layerNormEpsilon), gelu));
  });
  for (const { x } of inputs.values()) runs.push(() => finish(x));
  const times = runs.map(() => new Float64Array(iterations));
  try {
    for (let round = 0; round < warmup + iterations; round++) {
      for (const index of draw.shuffle(runs.map((_, place) => place))) {
        const start = performance.now();
        tf.tidy(runs[index]!);
        const elapsed = performance.now() - start;
        if (round >= warmup) times[index]![round - warmup] = elapsed;
      }
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    blocks.forEach(disposeFfn);
    for (const { x, gamma, beta } of inputs.values()) tf.dispose([x, gamma, beta]);
  }
  const overheads = new Map(
    [...inputs.keys()].map((key, index) => [key, median(times[variants.length + index]!)]),
  );
  const { version, device, threads } = await loadEngine(tf.getBackend() as EngineName);
  return {
    widths: variants.map(({ hidden, width, tokens }, index) => {
      const values = times[index]!;
      const overhead = known(overheads, `${width} ${tokens}`);
      return {
        hidden,
        ...(inputs.size > 1 && { width, tokens }),
        p50: Math.max(0, median(values) - overhead),
        p90: Math.max(0, quantile(values, 0.9) - overhead),
      };
    }),
    profile: {
      cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
      engine: version,
      device,
      threads,
      batchSize,
      tokens: variants[0]!.tokens,
      warmup,
      iterations,
    },
  };
}

/** @throws Error for a variant that was not timed */
export function latencyOf({ widths }: LatencyProfile, variant: BlockVariant): WidthLatency {
  const { hidden, width, tokens } = variant;
  const timed = widths.find(
    (one) => one.hidden === hidden && (one.width ?? width) === width && (one.tokens ?? tokens) === tokens,
  );
  if (timed === undefined) throw new Error(`the latency of ${hidden} hidden units was not measured`);
  return timed;
}

function normals(draw: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => draw.normal());
}
