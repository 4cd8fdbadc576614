import assert from 'node:assert/strict';
import { randAugment } from '../../pipeline/augment/rand-augment.ts';
import { randOperations } from '../../pipeline/augment/rand-operations.ts';
import { random } from '../../pipeline/util/random.ts';
import { pictureOf, reference, told } from './reference.ts';

const settings = { operations: 2, magnitude: 9, deviation: 0.5 };
const names = Object.keys(randOperations);
const operation = (name: string) => randOperations[name]!;

describe('randAugment', () => {
  it('does what is drawn, one after the other, at the magnitude drawn', () => {
    const picture = pictureOf('rgb');
    // Both operations; then the first is done (0.2), turned backwards (0.9), and the second is not (0.8).
    const [rotate, invert] = [names.indexOf('Rotate'), names.indexOf('Invert')];
    const draws = { next: [0.2, 0.9, 0.8], integer: [rotate, invert] };
    // The normal draw told is 0.5: magnitude 9 + 0.5 * 0.5.
    const made = randAugment(picture, settings, told(draws), reference.fill);
    assert.deepEqual(made, operation('Rotate').apply(picture, -30 * 0.925, reference.fill));
  });

  it('keeps magnitudes within 0 and 10', () => {
    const picture = pictureOf('rgb');
    const draws = { next: [0, 0], integer: [names.indexOf('Rotate')] };
    const made = randAugment(
      picture,
      { operations: 1, magnitude: 9, deviation: 10 },
      told(draws),
      reference.fill,
    );
    assert.deepEqual(made, operation('Rotate').apply(picture, 30, reference.fill));
  });

  it('leaves a quarter of the images alone with two operations', () => {
    const picture = pictureOf('grey');
    const chance = random(3);
    const trials = 2000;
    let alone = 0;
    for (let i = 0; i < trials; i++) {
      if (randAugment(picture, settings, chance, reference.fill) === picture) alone++;
    }
    // Grey images are also left by the 1/15 of operations on colour alone: (1/2 + 1/2 * 1/15)^2; four standard deviations.
    const share = (8 / 15) ** 2;
    const deviation = Math.sqrt((share * (1 - share)) / trials);
    assert.ok(Math.abs(alone / trials - share) < 4 * deviation, `${alone / trials}, expected ${share}`);
  });
});
