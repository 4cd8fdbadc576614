import type { QualityData } from './data.ts';
import type { QualityOptions } from './options.ts';
import { criteria } from '../../pipeline/compress/order/criteria.ts';
import type { Need } from '../../pipeline/compress/order/criterion.ts';
import type { Recipe } from '../../pipeline/recipe/recipe.ts';
import type { Baseline } from './recipes.ts';

/** Work in forward passes of one image, so that the time left can be guessed before anything was measured. */

/** What the orders of recipes ask the calibration images for, each once. */
export function needsOf(recipes: readonly Recipe[]): Need[] {
  return [...new Set(recipes.flatMap(({ order }) => criteria[order.criterion].needs))];
}

/** Of one calibration image that is counted. */
export function evidencePasses(needs: readonly Need[]): number {
  return needs.includes('saliency') ? 5.4 : 1.4;
}

/** What all recipes of a fold share: statistics, gradients, the teacher's answers. */
export function foldWork({ folds }: QualityData, recipes: readonly Recipe[]): number {
  const { calibration, evaluation } = folds[0]!;
  return calibration.length * evidencePasses(needsOf(recipes)) + evaluation.length;
}

/** What one recipe adds: its models, and its single blocks (half a pass each) or its training. */
export function recipeWork(
  recipe: Pick<Baseline, 'allocations'>,
  { folds, architecture: { depth } }: QualityData,
  { sparsities, allocationImages }: QualityOptions,
  distillSteps: number,
): number {
  const { evaluation } = folds[0]!;
  const models = recipe.allocations.length * sparsities.length;
  const measured = recipe.allocations.includes('measured') ? allocationImages * depth * 5 : 0;
  const training = models * depth * distillSteps * 0.2;
  return models * evaluation.length + (distillSteps > 0 ? training : measured);
}
