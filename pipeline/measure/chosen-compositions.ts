import { allocate } from '../allocate/allocate.ts';
import { hiddenUnits, type Architecture } from '../model/architecture.ts';
import { blockCosts, ffnCosts } from '../model/costs.ts';
import { random } from '../util/random.ts';
import { addedDivergences, type WidthChoice } from './allocations.ts';
import type { Context } from './contexts.ts';
import { selectImages, type Scores } from './scores.ts';
import { weightedCost } from './context-weights.ts';
import { widthIn, widthsAt, type Level } from './level.ts';
import { known } from '../util/known.ts';

/**
 * Up to `count` different compositions like those that are chosen out of a library: what keeps the sum of costs least at a budget,
 * at budgets all over the range. Random ones are not like them: what is chosen leans on where costs were found too low.
 * Each is chosen by the divergences on a random half of the images and by a random mixture of the contexts, so they scatter as choices
 * do. The budgets are stratified and shuffled: any half of the list covers the range.
 *
 * @param levels the teacher's first
 * @returns fewer where a small model has no more of them, none of them uniform
 */
export function drawChosen(
  models: ReadonlyMap<string, Scores>,
  architecture: Architecture,
  {
    contexts,
    levels,
    count,
    seed,
  }: {
    readonly contexts: readonly Context[];
    readonly levels: readonly Level[];
    readonly count: number;
    readonly seed: number;
  },
): WidthChoice[] {
  const { depth } = architecture;
  const strata = random(seed, 'chosen').shuffle(Array.from({ length: count }, (_, index) => index));
  const images = known(models, 'teacher').correct.length;
  const paramsAt = (level: Level) => ffnCosts(architecture, widthsAt(level, depth)).params;
  const [most, least] = [paramsAt(levels[0]!), paramsAt(levels[levels.length - 1]!)];
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
    const choices = hiddenUnits(architecture).map((hidden, block) =>
      levels.map((level) => {
        const width = widthIn(level, block);
        return {
          cost: weightedCost(addedDivergences(lookUp, contexts, { block, width, hidden }), mixture),
          resource: blockCosts(architecture, block, width).params,
        };
      }),
    );
    const budget = least + ((stratum + draw.next()) / count) * (most - least);
    const found = allocate(choices, Math.floor(budget));
    if (found === null) return [];
    const { choice } = found;
    const key = choice.join();
    if (seen.has(key) || choice.every((level) => level === choice[0])) return [];
    seen.add(key);
    return [
      { id: `chosen/${stratum}`, widths: choice.map((level, block) => widthIn(levels[level]!, block)) },
    ];
  });
}
