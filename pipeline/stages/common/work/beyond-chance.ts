import { random } from '../../../util/random.ts';
import type { Predictions } from './better-order.ts';

/** Images times shuffles: a few tenths of a second. */
const mostDealt = 4e7;

/**
 * Whether answers depend on the images: whether more of them are right than when the same answers are dealt to the images at
 * random (a permutation test; E. J. G. Pitman, Suppl. J. R. Stat. Soc. 4, 1937). Who always says the commonest class, or says
 * it as often as it comes up, is right on many images of unbalanced data and fails; who tells classes apart at the cost of
 * the commonest one passes.
 * @param level the probability of passing by luck
 */
export function isBeyondChance({ labels, predicted }: Predictions, level: number): boolean {
  const images = labels.length;
  const right = (answers: ArrayLike<number>) => {
    let sum = 0;
    for (let image = 0; image < images; image++) if (labels[image] === answers[image]) sum++;
    return sum;
  };
  const own = right(predicted);
  const shuffles = Math.max(1000, Math.min(4000, Math.floor(mostDealt / images)));
  const stream = random(1, 'beyond-chance');
  const dealt = Int32Array.from({ length: images }, (_, image) => predicted[image]!);
  let reached = 0;
  for (let shuffle = 0; shuffle < shuffles; shuffle++) {
    for (let last = images - 1; last > 0; last--) {
      const place = stream.integer(last + 1);
      const kept = dealt[last]!;
      dealt[last] = dealt[place]!;
      dealt[place] = kept;
    }
    if (right(dealt) >= own && ++reached > level * shuffles) return false;
  }
  return true;
}
