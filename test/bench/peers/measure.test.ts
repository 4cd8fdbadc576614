import assert from 'node:assert/strict';
import { difference, largestDifference, measure, ownSide, type Side } from '../../../bench/peers/measure.ts';

describe('measure', () => {
  it('lets the sides take turns, keeps the best of each by clock and processor, and the answers after the warm-up', async () => {
    const calls: string[] = [];
    const side = (name: string, walls: number[]): Side => ({
      run: (count) => {
        calls.push(`${name} ${count}`);
        const wallSeconds = walls[calls.filter((call) => call.startsWith(name)).length - 1]! * count;
        return Promise.resolve({ wallSeconds, processorSeconds: 2 * wallSeconds, answer: [calls.length] });
      },
    });
    const sides = { ours: side('ours', [0.1, 3, 1]), theirs: side('theirs', [0.05, 2, 4]) };
    const { best, answers, rounds, count } = await measure(sides, { warmUp: 3, seconds: 0, rounds: 2 });
    assert.deepEqual(calls, ['ours 3', 'theirs 3', 'ours 2', 'theirs 2', 'ours 2', 'theirs 2']);
    assert.deepEqual(best, {
      ours: { wallSeconds: 1, processorSeconds: 2 },
      theirs: { wallSeconds: 2, processorSeconds: 4 },
    });
    assert.deepEqual(answers, { ours: [1], theirs: [2] });
    assert.deepEqual({ rounds, count }, { rounds: 2, count: 2 });
  });

  it('takes the warm-up of work of minutes for the measurement', async () => {
    const run = () => Promise.resolve({ wallSeconds: 60, processorSeconds: 90, answer: [1] });
    const { best, rounds } = await measure({ ours: { run } }, { warmUp: 1, seconds: 0, rounds: 0 });
    assert.deepEqual(
      { best, rounds },
      { best: { ours: { wallSeconds: 60, processorSeconds: 90 } }, rounds: 0 },
    );
  });

  it('counts the processor time of this process', async () => {
    const { processorSeconds, wallSeconds, answer } = await ownSide((count) => {
      for (const start = process.cpuUsage().user; process.cpuUsage().user - start < 20_000;);
      return [count];
    }).run(7);
    assert.ok(processorSeconds >= 0.02 && wallSeconds > 0);
    assert.deepEqual(answer, [7]);
  });

  it('compares answers by their Euclidean distance, and what cannot be compared is infinitely far', () => {
    assert.equal(difference([3, 4.5], [3, 4]), 0.1);
    for (const answer of [[1], [NaN, 1], []]) assert.equal(difference(answer, [1, 1]), Infinity);
    assert.equal(difference([], []), Infinity);
    assert.equal(largestDifference([100, 3], [100, 2]), 0.5);
    assert.equal(largestDifference([1], [1, 2]), Infinity);
  });
});
