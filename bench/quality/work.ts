import type { Recipe } from '../../pipeline/compress/recipes/recipe.ts';
import type { QualityData } from './data.ts';
import type { QualityOptions } from './options.ts';

/** Work in forward passes of one image, so that the time left can be guessed before anything was measured. */

/** What all recipes of a fold share: statistics, gradients, the teacher's answers. */
export function foldWork(
  { folds: [{ calibration, evaluation }] }: QualityData,
  { recipes }: QualityOptions,
): number {
  return calibration.length * (recipes.includes('taylor') ? 5.4 : 1.4) + evaluation.length;
}

/** What one recipe adds: its models, its single blocks (half a pass each), its training. */
export function recipeWork(
  recipe: Recipe,
  { folds: [{ evaluation }], architecture: { depth } }: QualityData,
  { sparsities, distill, distillRecipes, allocationImages }: QualityOptions,
): number {
  const trained = distill > 0 && (distillRecipes as readonly string[]).includes(recipe.name);
  const models = recipe.allocations.length * sparsities.length;
  const measured = recipe.allocations.includes('measured') ? allocationImages * depth * 5 : 0;
  const training = trained ? models * depth * distill * 0.2 : 0;
  return models * evaluation.length * (trained ? 2 : 1) + measured + training;
}
