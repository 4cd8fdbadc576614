import type { Manifest } from './manifest.ts';
import type { ModelScores } from './manifest-parts.ts';

/** A whole model of a library that was measured on the selection split. */
export interface MeasuredModel {
  /** Its id in score files. */
  readonly id: string;
  readonly kind: 'uniform' | 'allocated';
  /** Share of the hidden units that are gone, or of the uniform model that was its budget. */
  readonly sparsity: number;
  readonly descendants: readonly string[];
  readonly params: number;
  readonly macs: number;
  readonly scores: ModelScores;
}

/** Points of top-1 that a recommended model may have lost, at the far end of the interval of its loss. */
export const toleratedLossPp = 2;

export interface Recommended {
  readonly model: MeasuredModel;
  /** Its loss is within `toleratedLossPp`; else it is the best trade of what may be lost for parameters. */
  readonly withinTolerance: boolean;
}

/**
 * The one small model to look at first: of all whole models of the library's own weights that were measured, the one with
 * fewest parameters whose loss of top-1, paired with the teacher, is at most `toleratedLossPp` even at the far end of its interval. So
 * few images never make a model look harmless: wide intervals fail. Where none passes, the one whose loss at that end is least
 * per parameter saved. By numbers of the selection split alone: what the test split says of it is not flattered by the choice.
 *
 * @returns undefined where no whole model was measured
 */
export function recommendedModel(manifest: Manifest): Recommended | undefined {
  const models = measuredModels(manifest).filter(({ params }) => params < manifest.teacher.params);
  const within = models.filter((model) => mostLostPp(model) <= toleratedLossPp);
  const least = (some: readonly MeasuredModel[], by: (model: MeasuredModel) => number) =>
    some.reduce<MeasuredModel | undefined>(
      (best, model) => (best === undefined || by(model) < by(best) ? model : best),
      undefined,
    );
  const leanest = least(within, ({ params }) => params);
  if (leanest !== undefined) return { model: leanest, withinTolerance: true };
  const best = least(models, (model) => mostLostPp(model) / (manifest.teacher.params - model.params));
  return best && { model: best, withinTolerance: false };
}

/** Uniform models with the weights that are in the library, and allocated ones that are models of their own. */
export function measuredModels({ uniform, allocated = [] }: Manifest): MeasuredModel[] {
  return [
    ...uniform.map(({ sparsity, descendants, params, macs, refit, distilled }): MeasuredModel => ({
      id: `uniform/${sparsity}/${distilled === null ? 'refit' : 'distilled'}`,
      kind: 'uniform',
      sparsity,
      descendants,
      params,
      macs,
      scores: distilled ?? refit,
    })),
    ...allocated
      .filter(({ costs }) => costs !== 'uniform')
      .map(({ sparsity, costs, descendants, params, macs, scores }): MeasuredModel => ({
        id: `allocated/${sparsity}/${costs}`,
        kind: 'allocated',
        sparsity,
        descendants,
        params,
        macs,
        scores,
      })),
  ];
}

const mostLostPp = ({ scores }: MeasuredModel): number => -scores.top1DeltaPp.low;
