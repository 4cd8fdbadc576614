import assert from 'node:assert/strict';
import fc from 'fast-check';
import { distillationGain } from '../../pipeline/distill/distillation-gain.ts';
import type { TrainingHistory } from '../../pipeline/distill/history.ts';
import { present } from '../support/present.ts';

const shares = [0.1, 0.25, 0.5, 0.75, 1];

type Job = Pick<TrainingHistory, 'widths' | 'looks'>;

/** Looks at 0, 1/10, 2/10, ... of `seconds`, of the KL of widths; `kept`: those whose refit is. */
function job(seconds: number, kl: (time: number) => number[], kept: number[] = []): Job {
  const looks = Array.from({ length: 11 }, (_, i) => i / 10).map((time) => ({
    step: Math.round(100 * time),
    seconds: seconds * time,
    kl: kl(time),
    agreement: [],
    errors: [],
  }));
  const widths = kl(0).map((klBefore, place) => ({
    width: 100 - place,
    kept: kept.includes(place) ? ('refit' as const) : ('trained' as const),
    klBefore,
    klAfter: Math.min(...looks.slice(1).map((look) => look.kl[place]!)),
    precision: 'float32' as const,
  }));
  return { widths, looks };
}

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-12, `${found}, expected ${expected}`);

describe('distillation gain per minute', () => {
  it('is the straight line of a KL that falls in proportion to time, of each job on its own clock', () => {
    const gain = present(
      distillationGain([
        // Half and a tenth of the refit's KL gone at the end; then a fifth, and a refit that is kept.
        job(10, (time) => [0.4 * (1 - 0.5 * time), 2 * (1 - 0.1 * time)]),
        job(30, (time) => [0.1 * (1 - 0.2 * time), 9 + time], [1]),
      ]),
    );
    assert.deepEqual(gain.widths, [100, 99, 100, 99]);
    near(gain.seconds, 40);
    assert.deepEqual(
      gain.points.map(({ timeShare }) => timeShare),
      shares,
    );
    for (const { timeShare, seconds, removed } of gain.points) {
      near(seconds, 40 * timeShare);
      [0.5, 0.1, 0.2, 0].forEach((end, place) => near(removed[place]!, end * timeShare));
    }
  });

  it('stands at the best weights so far: a KL that rises takes nothing back, one above the refit counts 0', () => {
    // 0.6 of the refit's KL left after 30 % of the time, and worse ever after; twice the refit's before.
    const gain = present(
      distillationGain([job(5, (time) => [time === 0 ? 1 : time < 0.25 ? 2 : time < 0.35 ? 0.6 : 1.5])]),
    );
    const expected = [0, 0.2, 0.4, 0.4, 0.4];
    gain.points.forEach(({ removed }, i) => near(removed[0]!, expected[i]!));
  });

  it('never falls, and ends with the gain over the refit, whatever the looks found', () => {
    const all = fc.array(fc.double({ min: 0.01, max: 2, noNaN: true }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(all, (found) => {
        const { points } = present(
          distillationGain([job(7, (time) => [time === 0 ? 1 : found[Math.round(10 * time) - 1]!])]),
        );
        const removed = points.map((point) => point.removed[0]!);
        removed.forEach((value, i) => assert.ok(value >= (removed[i - 1] ?? 0) - 1e-12));
        near(present(removed.at(-1)), Math.max(0, 1 - Math.min(...found)));
      }),
      { seed: 1 },
    );
  });

  it('is absent where nothing was trained, and a step where a job was looked at once', () => {
    assert.equal(distillationGain([]), undefined);
    const { widths } = job(1, () => [1]);
    assert.equal(distillationGain([{ widths, looks: [] }]), undefined);
    const look = { step: 1, seconds: 0, kl: [0.5], agreement: [], errors: [] };
    const once = present(distillationGain([{ widths, looks: [look] }]));
    assert.deepEqual(
      once.points.map(({ removed }) => removed),
      shares.map(() => [0.5]),
    );
  });
});
