import { orderBlock } from '../../pipeline/compress/order/criteria.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { TeacherTensors } from '../../pipeline/model/upload.ts';
import { refitInputs } from '../../pipeline/recipe/recipe.ts';
import { known } from '../../pipeline/util/known.ts';
import type { QualityData } from '../quality/data.ts';
import { openEvidence } from '../quality/evidence.ts';
import type { Baseline } from '../quality/recipes.ts';

export interface UnitFits {
  /** The FFN blocks of the model of a width, which is one of those asked for. */
  of(width: number): readonly FfnWeights[];
}

/** Uniform models of a recipe, fitted to the calibration images as the quality bench does. @param widths widest first */
export async function fitUnits(
  data: QualityData,
  model: TeacherTensors,
  { recipe }: Baseline,
  widths: readonly number[],
): Promise<UnitFits> {
  const { calibration } = data.folds[0]!;
  const evidence = await openEvidence(data, model, calibration, { recipes: [recipe] }, () => undefined);
  const models = new Map(widths.map((width) => [width, [] as FfnWeights[]]));
  const plan = {
    composed: refitInputs(recipe),
    options: { ridge: recipe.order.ridge, method: recipe.refit.method },
    orderOf: (block: number) =>
      orderBlock(recipe.order, evidence.teacher[block]!, evidence.evidence[block]!).units,
    widths: evidence.teacher.map(() => widths),
  };
  for await (const { levels } of evidence.fit(plan)) {
    for (const { weights } of levels) known(models, weights.hidden).push(weights);
  }
  return { of: (width) => known(models, width) };
}
