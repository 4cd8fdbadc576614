import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Order } from '../compress/order/criterion.ts';
import { absoluteRidge } from '../compress/order/reconstruction.ts';
import { refit } from '../compress/refit.ts';
import { oracleShrinkage } from '../../bench/quality/oracle-shrinkage.ts';
import { criteria } from '../compress/order/criteria.ts';
import type { BlockEvidence, Descend, Recipe } from './recipe.ts';

/** For criteria that factorise, where the recipe's own rule depends on a kept set that is not known yet. */
const ORDER_RIDGE = 1e-4;

/** The order of one block by the recipe's criterion. */
export function rankBlock({ criterion, ridge }: Recipe, evidence: BlockEvidence): Order {
  return criteria[criterion].order({
    ...evidence,
    ridge: ridge === 'oracle-shrinkage' ? ORDER_RIDGE : ridge,
  });
}

/** Cuts one block to the widths and compensates as the recipe says, from the teacher's own statistics. */
export function fitBlock(
  { refit: method, ridge }: Recipe,
  { weights, statistics }: BlockEvidence,
  { units }: Order,
  widths: readonly number[],
): FfnWeights[] {
  if (ridge !== 'oracle-shrinkage') {
    return refit(weights, statistics, units, widths, { ridge, method }).map((fitted) => fitted.weights);
  }
  const { covariance } = statistics;
  return widths.flatMap((width) => {
    const kept = units.subarray(0, width);
    const share = oracleShrinkage(statistics, kept) / absoluteRidge(covariance, weights.hidden, 1);
    return refit(weights, statistics, units, [width], { ridge: share, method }).map(
      (fitted) => fitted.weights,
    );
  });
}

/** Every block by itself, on the teacher's inputs: what every published one-shot recipe does. */
export const fitBlocks: Descend = async ({ recipe, context, orderOf, widths, onBlock }) => {
  const fitted: FfnWeights[][] = [];
  for (const [block, evidence] of context.blocks.entries()) {
    fitted.push(fitBlock(recipe, evidence, orderOf(block), widths[block]));
    await onBlock?.(block);
  }
  return fitted;
};
