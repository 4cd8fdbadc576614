import { random } from '../../util/random.ts';
import { balancedSizes, type Partition } from './partition.ts';

/** Shuffled classes cut into balanced subsets (EC-SNN, IJCAI 2024, section 4; ED-ViT, arXiv 2410.11650). Seeded. */
export function randomPartition(classes: number, subsets: number, seed: number): Partition {
  const order = random(seed, 'partition').shuffle(Array.from({ length: classes }, (_, i) => i));
  let start = 0;
  return balancedSizes(classes, subsets).map((size) =>
    order.slice(start, (start += size)).sort((a, b) => a - b),
  );
}
