import assert from 'node:assert/strict';
import { rateAt } from '../../../pipeline/submodels/training/rate-at.ts';
import { defaultTraining } from '../../../pipeline/submodels/training/schema.ts';

const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 1e-12, `${found}, ${expected}`);

describe('rateAt', () => {
  const published = {
    ...defaultTraining,
    learningRate: 3.2e-4,
    warmup: { epochs: 5, from: 1e-6 },
    floor: 1e-5,
  };

  it('grows from its first value over passes, has its full value at their end, and falls to its floor', () => {
    const [steps, perEpoch] = [1000, 20];
    near(rateAt(published, steps, perEpoch, 0), 1e-6 + (3.2e-4 - 1e-6) / 100);
    near(rateAt(published, steps, perEpoch, 99), 3.2e-4);
    near(rateAt(published, steps, perEpoch, 100), 3.2e-4);
    near(rateAt(published, steps, perEpoch, 550), (3.2e-4 + 1e-5) / 2);
    near(rateAt(published, steps, perEpoch, 1000), 1e-5);
  });

  it('by default grows over a tenth of the steps from 0 and falls to 0', () => {
    near(rateAt(defaultTraining, 100, 7, 0), 2e-5);
    near(rateAt(defaultTraining, 100, 7, 10), 2e-4);
    near(rateAt(defaultTraining, 100, 7, 100), 0);
  });

  it('ends at its full value where the warm-up is longer than the training', () => {
    near(rateAt(published, 50, 20, 49), 3.2e-4);
  });
});
