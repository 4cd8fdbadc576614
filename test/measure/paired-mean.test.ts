import assert from 'node:assert/strict';
import fc from 'fast-check';
import { pairedScoresPp } from '../../pipeline/measure/interval.ts';
import { pairedMeanPp, type ScorePair } from '../../pipeline/measure/paired-mean.ts';
import { random } from '../../pipeline/util/random.ts';

const near = (found: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found}, expected ${expected}`);

describe('measure/paired-mean', () => {
  it("is Tango's interval for one pair, and for several equal ones", () => {
    const bits = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(bits, fc.integer({ min: 1, max: 3 }), (images, copies) => {
        const pair = { model: images.map(([a]) => a), reference: images.map(([, b]) => b) };
        const expected = pairedScoresPp(pair.model, pair.reference);
        const found = pairedMeanPp(Array.from({ length: copies }, () => pair));
        near(found.mean, expected.mean, 1e-9);
        near(found.low, expected.low, 1e-4);
        near(found.high, expected.high, 1e-4);
        assert.equal(found.images, images.length);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('has the closed form z^2 / (n + z^2) when no image changed', () => {
    const same = { model: new Uint8Array(1000), reference: new Uint8Array(1000) };
    const { mean, low, high } = pairedMeanPp([same, same, same]);
    const z2 = 1.959963984540054 ** 2;
    assert.equal(mean, 0);
    near(high, (100 * z2) / (1000 + z2), 1e-6);
    near(low, -(100 * z2) / (1000 + z2), 1e-6);
  });

  it('is narrower than one pair alone when the pairs err independently, and covers the truth', () => {
    const draw = random(3, 'paired-mean');
    const pair = (images: number): ScorePair => {
      const reference = Uint8Array.from({ length: images }, () => +(draw.next() < 0.7));
      // Loses 6 % of all images, gains 2 %: the true difference is -4 points.
      const model = reference.map((value) =>
        draw.next() < (value ? 0.06 / 0.7 : 0.02 / 0.3) ? 1 - value : value,
      );
      return { model, reference };
    };
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const pairs = [pair(150), pair(150), pair(150)];
      const { low, high } = pairedMeanPp(pairs);
      if (low <= -4 && -4 <= high) covered++;
      if (trial > 0) continue;
      const single = pairedMeanPp(pairs.slice(0, 1));
      assert.ok(high - low < 0.8 * (single.high - single.low));
    }
    // 95 % of 200 with three standard errors of the count.
    assert.ok(covered >= 181 && covered <= 199, `${covered} of 200`);
  });

  it('stays inside -100 and 100, and refuses other images', () => {
    const worse = { model: [0, 0, 0], reference: [1, 1, 1] };
    const found = pairedMeanPp([worse, worse]);
    assert.equal(found.mean, -100);
    assert.equal(found.low, -100);
    // Under a mean of d the other extreme has mass (1 + d) / 2: (1 + d)^2 = z^2 (1 - d^2) / n.
    const share = 1.959963984540054 ** 2 / 3;
    near(found.high, (100 * (share - 1)) / (share + 1), 1e-6);
    assert.throws(() => pairedMeanPp([worse, { model: [0], reference: [1] }]), /same images/);
    assert.throws(() => pairedMeanPp([]), /needs images/);
  });
});
