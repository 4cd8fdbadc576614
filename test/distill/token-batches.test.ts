import assert from 'node:assert/strict';
import { stepsPerEpoch, tokenBatches, type TokenReader } from '../../pipeline/distill/token-batches.ts';

/** Row i is [i, -i]; notes which rows were asked for. */
function reader(count: number): TokenReader & { reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    count,
    width: 2,
    reads,
    read(start, size) {
      reads.push([start, size]);
      return Promise.resolve(
        Float32Array.from({ length: size * 2 }, (_, i) => (start + (i >> 1)) * (i % 2 ? -1 : 1)),
      );
    },
  };
}

async function take(tokens: TokenReader, steps: number, firstStep: number, seed = 1): Promise<number[][]> {
  const batches = tokenBatches(tokens, { batchTokens: 4, chunkTokens: 12, seed, firstStep });
  const taken: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const { value } = await batches.next();
    const rows = [...value];
    rows.forEach((x, index) => assert.equal(x, index % 2 ? -rows[index - 1]! : x));
    taken.push(rows.filter((_, index) => index % 2 === 0));
  }
  await batches.return(undefined as never);
  return taken;
}

describe('tokenBatches', () => {
  it('uses every token exactly once per epoch, in batches of at most the size asked for', async () => {
    for (const count of [1, 3, 4, 5, 12, 13, 30]) {
      const tokens = reader(count);
      const perEpoch = stepsPerEpoch(tokens, { batchTokens: 4, chunkTokens: 12 });
      const batches = await take(tokens, perEpoch * 2, 0);
      for (const epoch of [batches.slice(0, perEpoch), batches.slice(perEpoch)]) {
        assert.deepEqual(
          epoch.flat().sort((a, b) => a - b),
          Array.from({ length: count }, (_, i) => i),
        );
      }
      assert.ok(batches.every((batch) => batch.length >= 1 && batch.length <= 4));
    }
  });

  it('shuffles: another order in every epoch and for every seed, the same for the same seed', async () => {
    const first = await take(reader(30), 18, 0);
    assert.deepEqual(await take(reader(30), 18, 0), first);
    assert.notDeepEqual(first.slice(0, 9), first.slice(9));
    assert.notDeepEqual(await take(reader(30), 18, 0, 2), first);
  });

  it('starts at any step with the batch that an uninterrupted stream has there', async () => {
    const whole = await take(reader(30), 25, 0);
    for (const from of [1, 3, 8, 9, 17, 18]) {
      assert.deepEqual(await take(reader(30), 25 - from, from), whole.slice(from), `from step ${from}`);
    }
  });

  it('reads the next chunk ahead, a single chunk only once', async () => {
    const tokens = reader(30);
    await take(tokens, 1, 0);
    assert.equal(tokens.reads.length, 2, 'the chunk in use and the next one');
    const small = reader(10);
    await take(small, 9, 0);
    assert.deepEqual(small.reads, [[0, 10]]);
  });

  it('passes a failed read on, and refuses an empty file', async () => {
    const broken: TokenReader = { count: 30, width: 2, read: () => Promise.reject(new Error('disk gone')) };
    await assert.rejects(take(broken, 1, 0), /disk gone/);
    await assert.rejects(take(reader(0), 1, 0), /no tokens/);
  });
});
