import { criteria } from '../compress/order/criteria.ts';
import type { BlockEvidence, Order } from '../compress/order/criterion.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Recipe } from './recipe.ts';

/** For criteria that factorise, where the recipe's rule depends on a kept set that is not known yet. */
const orderRidge = 1e-4;

/** Sorts the hidden units of one block as a recipe says, most worth keeping first. */
export function orderBlock(
  { criterion, ridge }: Recipe['order'],
  weights: FfnWeights,
  evidence: BlockEvidence,
): Order {
  return criteria[criterion].order({
    ...evidence,
    weights,
    ridge: typeof ridge === 'number' ? ridge : orderRidge,
  });
}
