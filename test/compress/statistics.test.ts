import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import {
  createStatistics,
  mergeStatistics,
  type BlockStatistics,
} from '../../pipeline/compress/statistics.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { twoPass } from './sample-block.ts';

/** Correlated activations [count, hidden] around `offset`. */
function activations(count: number, hidden: number, offset: number): Float32Array {
  const numbers = random(1, count, hidden);
  const result = new Float32Array(count * hidden);
  for (let t = 0; t < count; t++) {
    const common = numbers.normal();
    for (let j = 0; j < hidden; j++) {
      result[t * hidden + j] = offset + common + numbers.normal() * (1 + j / hidden);
    }
  }
  return result;
}

function collect(values: Float32Array, hidden: number, batch: number): BlockStatistics {
  const statistics = createStatistics(hidden);
  addAll(statistics, values, hidden, batch);
  const result = statistics.finish();
  statistics.dispose();
  return result;
}

function addAll(
  statistics: ReturnType<typeof createStatistics>,
  values: Float32Array,
  hidden: number,
  batch: number,
): void {
  for (let i = 0; i < values.length; i += batch * hidden) {
    const rows = values.slice(i, i + batch * hidden);
    tf.tidy(() => statistics.add(tf.tensor2d(rows, [rows.length / hidden, hidden])));
  }
}

function assertClose(actual: BlockStatistics, expected: BlockStatistics, tolerance: number): void {
  assert.equal(actual.count, expected.count);
  for (const part of ['mean', 'covariance'] as const) {
    const worst = actual[part].reduce((max, v, i) => Math.max(max, Math.abs(v - expected[part][i]!)), 0);
    assert.ok(worst < tolerance, `${part} is off by ${worst}`);
  }
}

describeOnEachEngine('statistics', () => {
  it('equal the two-pass definition, in one part and in four', () => {
    for (const hidden of [5, 514]) {
      const values = activations(90, hidden, 0.3);
      // Variances up to 5; float32 products of 90 tokens.
      assertClose(collect(values, hidden, 32), twoPass(values, hidden), 2e-5);
    }
  });

  it('stay exact where the mean is a thousand times the spread', () => {
    const values = activations(600, 7, 1000);
    // float32 holds 1000 to 6e-5; the naive E h^2 - mean^2 in float32 would be off by about 0.1.
    assertClose(collect(values, 7, 100), twoPass(values, 7), 5e-4);
  });

  it('of two shards merge to those of the whole', () => {
    const values = activations(300, 6, 2);
    const cut = 110 * 6;
    const merged = mergeStatistics(
      collect(values.slice(0, cut), 6, 50),
      collect(
        values.slice(cut).map((v) => v + 3),
        6,
        50,
      ),
    );
    const whole = values.map((v, i) => (i < cut ? v : v + 3));
    assertClose(merged, twoPass(whole, 6), 2e-5);
    const empty = collect(new Float32Array(0), 6, 50);
    assert.equal(empty.count, 0);
    assert.deepEqual(mergeStatistics(empty, merged), merged);
    assert.deepEqual(mergeStatistics(merged, empty), merged);
  });

  it('resumed from a state equal those of one go', () => {
    const values = activations(200, 6, 10);
    const cut = 120 * 6;
    const first = createStatistics(6);
    addAll(first, values.slice(0, cut), 6, 40);
    const state = structuredClone(first.state());
    first.dispose();
    const second = createStatistics(6);
    second.restore(state);
    addAll(second, values.slice(cut), 6, 40);
    assertClose(second.finish(), twoPass(values, 6), 2e-5);
    second.dispose();
    assert.throws(() => createStatistics(7).restore(state), /6 hidden units, expected 7/);
  });

  it('move to the host many times without losing a token', () => {
    const values = activations(17000 * 2, 2, 0);
    assertClose(collect(values, 2, 5000), twoPass(values, 2), 2e-5);
  });

  it('are symmetric to the bit and refuse another width', () => {
    const { covariance } = collect(activations(40, 513, 1), 513, 40);
    for (let i = 0; i < 513; i++) {
      for (let j = 0; j < i; j++) assert.equal(covariance[i * 513 + j], covariance[j * 513 + i]);
    }
    const statistics = createStatistics(4);
    tf.tidy(() => assert.throws(() => statistics.add(tf.zeros<tf.Rank.R2>([2, 5])), /expected 4/));
  });
});
