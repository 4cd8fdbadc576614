import * as tf from '@tensorflow/tfjs-core';
import { cpus } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Gelu } from '../model/architecture.ts';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import { randomFfn } from '../model/ffn-weights.ts';
import { loadEngine, type EngineName } from '../tensor/engine.ts';
import { layerNorm } from '../tensor/ops.ts';
import { median, quantile } from '../util/quantile.ts';
import { random, type Random } from '../util/random.ts';

export interface LatencyOptions {
  /** Hidden units of each variant, the teacher's own among them. */
  readonly widths: readonly number[];
  /** D */
  readonly width: number;
  /** T, per image */
  readonly tokens: number;
  readonly batchSize: number;
  /** Rounds that are not counted, and rounds that are. A round runs every width once. */
  readonly warmup: number;
  readonly iterations: number;
  readonly gelu?: Gelu;
  readonly layerNormEpsilon?: number;
  readonly signal?: AbortSignal;
}

/** One run of the block (LayerNorm, fc1, GELU, fc2) on one batch, in milliseconds. */
export interface WidthLatency {
  readonly hidden: number;
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
    readonly tokens: number;
    readonly warmup: number;
    readonly iterations: number;
  };
}

/**
 * Times an FFN block at several widths on the engine that is loaded, with random weights and inputs (time does not
 * depend on the values). Every round runs all widths in a new order, so drift (clock, heat, neighbours) meets all
 * alike; every run ends by reading a number that depends on the whole output, so nothing is still under way. What a
 * run costs without the block, that read included, is measured in the same rounds and subtracted.
 */
export async function profileWidths(options: LatencyOptions): Promise<LatencyProfile> {
  const { widths, width, tokens, batchSize, warmup, iterations, signal } = options;
  const { gelu = 'exact', layerNormEpsilon = 1e-6 } = options;
  const draw = random(1, 'latency');
  const x = tf.tensor2d(normals(draw, batchSize * tokens * width), [batchSize * tokens, width]);
  const [gamma, beta] = [tf.ones([width]), tf.zeros([width])];
  const blocks = widths.map((hidden) => uploadFfn(randomFfn(width, hidden, () => draw.normal())));
  const finish = (y: tf.Tensor): void => void tf.sum(y).dataSync();
  const runs: (() => void)[] = blocks.map(
    (ffn) => () => finish(applyFfn(ffn, layerNorm(x, gamma, beta, layerNormEpsilon), gelu)),
  );
  runs.push(() => finish(x));
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
    tf.dispose([x, gamma, beta]);
  }
  const overhead = median(times[times.length - 1]!);
  times.pop();
  const { version, device, threads } = await loadEngine(tf.getBackend() as EngineName);
  return {
    widths: times.map((values, index) => ({
      hidden: widths[index]!,
      p50: Math.max(0, median(values) - overhead),
      p90: Math.max(0, quantile(values, 0.9) - overhead),
    })),
    profile: {
      cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
      engine: version,
      device,
      threads,
      batchSize,
      tokens,
      warmup,
      iterations,
    },
  };
}

function normals(draw: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => draw.normal());
}
