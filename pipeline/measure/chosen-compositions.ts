import { allocate } from '../allocate/allocate.ts';
import type { Architecture } from '../model/architecture.ts';
import { blockCosts } from '../model/costs.ts';
import { random } from '../util/random.ts';
import { addedDivergences, type WidthChoice } from './allocations.ts';
import type { Context } from './contexts.ts';
import { selectImages, type Scores } from './scores.ts';
import { weightedCost } from './context-weights.ts';
import { known } from '../util/known.ts';

/**
 * Up to `count` different compositions like those that are chosen out of a library: what keeps the sum of costs least at a budget,
 * at budgets all over the range. Random ones are not like them: what is chosen leans on where costs were found too low.
 * Each is chosen by the divergences on a random half of the images and by a random mixture of the contexts, so they scatter as choices
 * do. The budgets are stratified and shuffled: any half of the list covers the range.
 *
 * @param widths of every block, the teacher's first
 * @returns fewer where a small model has no more of them, none of them uniform
 */
export function drawChosen(
  models: ReadonlyMap<string, Scores>,
  architecture: Architecture,
  {
    contexts,
    widths,
    count,
    seed,
  }: {
    readonly contexts: readonly Context[];
    readonly widths: readonly number[];
    readonly count: number;
    readonly seed: number;
  },
): WidthChoice[] {
  const { hidden, depth } = architecture;
  const strata = random(seed, 'chosen').shuffle(Array.from({ length: count }, (_, index) => index));
  const images = known(models, 'teacher').correct.length;
  const params = widths.map((width) => blockCosts(architecture, width).params);
  const [most, least] = [depth * params[0]!, depth * params[params.length - 1]!];
  const seen = new Set<string>();
  return strata.flatMap((stratum) => {
    const draw = random(seed, 'chosen', stratum);
    const half = draw.shuffle(Array.from({ length: images }, (_, i) => i)).slice(0, Math.ceil(images / 2));
    const some = new Map<string, Scores>();
    const lookUp: Pick<ReadonlyMap<string, Scores>, 'get'> = {
      get(id) {
        const scores = some.get(id) ?? models.get(id);
        if (scores === undefined || some.has(id)) return scores;
        const selected = selectImages(scores, half);
        some.set(id, selected);
        return selected;
      },
    };
    const shares = contexts.map(() => -Math.log(1 - draw.next()));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const mixture = shares.map((share) => share / total);
    const choices = Array.from({ length: depth }, (_, block) =>
      widths.map((width, level) => ({
        cost: weightedCost(addedDivergences(lookUp, contexts, { block, width, hidden }), mixture),
        resource: params[level]!,
      })),
    );
    const budget = least + ((stratum + draw.next()) / count) * (most - least);
    const found = allocate(choices, Math.floor(budget));
    const chosen = found?.choice.map((level) => widths[level]!) ?? [];
    const key = chosen.join();
    if (found === null || seen.has(key) || chosen.every((width) => width === chosen[0])) return [];
    seen.add(key);
    return [{ id: `chosen/${stratum}`, widths: chosen }];
  });
}
