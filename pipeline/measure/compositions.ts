import { random } from '../util/random.ts';

/**
 * Up to `count` different random compositions: for every block a level, 0 the teacher's own block, `levels - 1` the
 * narrowest. Each first draws how strongly it is pruned, then its blocks independently around that (binomially), so
 * mild and severe models both occur; drawing every block uniformly would give `count` models of nearly the same loss.
 * The strengths are stratified and shuffled: any half of the list covers the range. Without the uniform models, which
 * are measured anyway.
 *
 * @returns fewer where a small model has no more of them
 */
export function drawCompositions(count: number, depth: number, levels: number, seed: number): number[][] {
  const strata = random(seed, 'compositions').shuffle(Array.from({ length: count }, (_, index) => index));
  const seen = new Set<string>();
  const found: number[][] = [];
  for (const stratum of strata) {
    const draw = random(seed, 'compositions', stratum);
    for (let attempt = 0; attempt < 50; attempt++) {
      const strength = (stratum + draw.next()) / count;
      const composition = Array.from({ length: depth }, () => {
        let level = 0;
        for (let step = 1; step < levels; step++) if (draw.next() < strength) level++;
        return level;
      });
      const key = composition.join();
      if (seen.has(key) || composition.every((level) => level === composition[0])) continue;
      seen.add(key);
      found.push(composition);
      break;
    }
  }
  return found;
}
