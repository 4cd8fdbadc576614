import assert from 'node:assert/strict';
import fc from 'fast-check';
import { distillationGain, type DistilledBlock } from '../../pipeline/distill/distillation-gain.ts';
import { present } from '../support/present.ts';

const shares = [0.1, 0.25, 0.5, 0.75, 1];

/** Looks at 1/10, 2/10, ... of `seconds`. */
function block(seconds: number, refitErrors: (number | null)[], error: (time: number) => number[]) {
  const looks = Array.from({ length: 10 }, (_, i) => (i + 1) / 10).map((time) => ({
    step: Math.round(100 * time),
    seconds: seconds * time,
    errors: error(time),
  }));
  return { refitErrors, looks } satisfies DistilledBlock;
}

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-12, `${found}, expected ${expected}`);

describe('distillation gain per minute', () => {
  it('is the straight line of errors that fall in proportion to time, on each block its own clock', () => {
    const gain = present(
      distillationGain([
        // Half and a tenth of the refit's error gone at the end; then a fifth, and a refit that is kept.
        block(10, [0.4, 2], (time) => [0.4 * (1 - 0.5 * time), 2 * (1 - 0.1 * time)]),
        block(30, [0.1, null], (time) => [0.1 * (1 - 0.2 * time), 9]),
      ]),
    );
    assert.equal(gain.blocks, 2);
    near(gain.seconds, 40);
    assert.deepEqual(
      gain.points.map(({ timeShare }) => timeShare),
      shares,
    );
    for (const { timeShare, seconds, removed } of gain.points) {
      near(seconds, 40 * timeShare);
      near(removed[0]!, 0.35 * timeShare);
      near(removed[1]!, 0.05 * timeShare);
    }
  });

  it('stands at the best weights so far: an error that rises takes nothing back, one above the refit counts 0', () => {
    // 0.6 of the refit's error left after 30 % of the time, and worse ever after; twice the refit's before.
    const gain = present(
      distillationGain([block(5, [1], (time) => [time < 0.25 ? 2 : time < 0.35 ? 0.6 : 1.5])]),
    );
    const expected = [0, 0.2, 0.4, 0.4, 0.4];
    gain.points.forEach(({ removed }, i) => near(removed[0]!, expected[i]!));
  });

  it('never falls, and ends with the gain over the refit, whatever the looks found', () => {
    const errors = fc.array(fc.double({ min: 0.01, max: 2, noNaN: true }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(errors, (found) => {
        const { points } = present(
          distillationGain([block(7, [1], (time) => [found[Math.round(10 * time) - 1]!])]),
        );
        const removed = points.map((point) => point.removed[0]!);
        removed.forEach((value, i) => assert.ok(value >= (removed[i - 1] ?? 0) - 1e-12));
        near(present(removed.at(-1)), Math.max(0, 1 - Math.min(...found)));
      }),
      { seed: 1 },
    );
  });

  it('is absent where nothing was trained, and a step where a block was looked at once', () => {
    assert.equal(distillationGain([]), undefined);
    assert.equal(distillationGain([{ refitErrors: [1], looks: [] }]), undefined);
    const once = present(
      distillationGain([{ refitErrors: [1], looks: [{ step: 1, seconds: 0, errors: [0.5] }] }]),
    );
    assert.deepEqual(
      once.points.map(({ removed }) => removed),
      shares.map(() => [0.5]),
    );
  });
});
