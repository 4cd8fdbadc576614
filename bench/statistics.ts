/** What collecting statistics adds to an encoder layer's forward pass, one block, one batch. */
import * as tf from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { createStatistics } from '../pipeline/compress/statistics.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import type { EngineChoice } from '../pipeline/tensor/engine.ts';
import { attention } from '../pipeline/tensor/attention.ts';
import { gelu, layerNorm, linear, mergeHeads, splitHeads } from '../pipeline/tensor/ops.ts';
import { seconds } from './support/seconds.ts';

export interface StatisticsCase {
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly images: number;
  readonly batches: number;
}

/** ViT-Tiny/16 and ViT-B/16 at 224 px, 64 sampled tokens of 197 per image. */
export const statisticsCases: Readonly<Record<string, StatisticsCase>> = {
  'vit-tiny': { width: 192, heads: 3, hidden: 768, images: 32, batches: 8 },
  'vit-base': { width: 768, heads: 12, hidden: 3072, images: 32, batches: 2 },
};

const TOKENS = 197;
const SAMPLED = 64;

/**
 * What collecting the statistics of one block adds to one encoder layer's forward pass: seconds per batch of either,
 * and the ratio (layer + statistics) / layer, which should stay within 1.3.
 */
export function benchStatistics({ width, heads, hidden, images, batches }: StatisticsCase): {
  readonly layerSeconds: number;
  readonly statisticsSeconds: number;
  readonly ratio: number;
} {
  const random = (...shape: number[]) => tf.randomNormal(shape, 0, 0.02, 'float32', 1);
  const x = tf.randomNormal([images, TOKENS, width], 0, 1, 'float32', 2);
  const weights = {
    scale: tf.ones([width]),
    shift: tf.zeros([width]),
    qkv: random(width, 3 * width),
    projection: random(width, width),
    fc1: random(width, hidden),
    fc2: random(hidden, width),
  };
  const layer = () =>
    tf.tidy(() => {
      const { scale, shift, qkv, projection, fc1, fc2 } = weights;
      const [q, k, v] = splitHeads(linear(layerNorm(x, scale, shift, 1e-6), qkv), heads);
      const middle = tf.add(x, linear(mergeHeads(attention(q, k, v)), projection));
      const h = gelu(linear(layerNorm(middle, scale, shift, 1e-6), fc1), 'exact');
      tf.add(middle, linear(h, fc2)).dataSync();
    });
  const h = tf.relu(tf.randomNormal<tf.Rank.R2>([images * SAMPLED, hidden], 0, 1, 'float32', 3));
  const statistics = createStatistics(hidden);
  layer();
  statistics.add(h);
  statistics.state();
  const layerSeconds = seconds(() => repeat(batches, layer)) / batches;
  const statisticsSeconds =
    seconds(() => {
      repeat(batches, () => statistics.add(h));
      statistics.state();
    }) / batches;
  statistics.dispose();
  tf.dispose([x, h, weights]);
  return { layerSeconds, statisticsSeconds, ratio: (layerSeconds + statisticsSeconds) / layerSeconds };
}

function repeat(times: number, action: () => void): void {
  for (let i = 0; i < times; i++) action();
}

async function main(): Promise<void> {
  const [name = 'vit-tiny', choice = 'auto'] = process.argv.slice(2);
  const engine = await loadEngine(choice as EngineChoice);
  const { layerSeconds, statisticsSeconds, ratio } = benchStatistics(statisticsCases[name]!);
  console.log(`${name} on ${engine.description}, one block, one batch`);
  console.log(`  layer forward ${layerSeconds.toFixed(3)} s, statistics ${statisticsSeconds.toFixed(3)} s`);
  console.log(`  (layer + statistics) / layer = ${ratio.toFixed(2)}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await main();
