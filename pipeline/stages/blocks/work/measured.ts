import type { Interval } from '../../../measure/interval.ts';
import type { Measured } from '../../../measure/measured.ts';
import type { Scores } from '../../../measure/scores.ts';
import type { JobContext } from '../../../runner/contract.ts';
import type { AllocatedComposition } from './compositions.ts';
import { blockCosts } from '../../../model/costs.ts';
import { uniformId } from './measure.ts';
import { descents } from '../shape.ts';

export { measureAll, type Measured } from '../../../measure/measured.ts';

export interface MeasuredUniform {
  readonly sparsity: number;
  readonly refit?: Measured;
  readonly distilled?: Measured;
}

/** A model of allocated widths and how it compares with the uniform one that was its budget. */
export interface MeasuredAllocation extends AllocatedComposition {
  readonly measured: Measured;
  /** Its top-1 minus that of the uniform model, paired over the same images. */
  readonly versusUniformPp: Interval;
}

/** The uniform models among the measured ones, by sparsity. */
export function uniformOf(context: JobContext, measured: ReadonlyMap<string, Measured>): MeasuredUniform[] {
  return descents(context.loaded.config, context.architecture.hidden).map(({ sparsity }) => {
    const refit = measured.get(uniformId(sparsity, 'refit'));
    const distilled = measured.get(uniformId(sparsity, 'distilled'));
    return { sparsity, ...(refit && { refit }), ...(distilled && { distilled }) };
  });
}

/** The uniform model of the weights in the library. */
export function finalUniformId({ loaded }: JobContext, sparsity: number): string {
  return uniformId(sparsity, loaded.config.distill.enabled ? 'distilled' : 'refit');
}

/**
 * Of the candidates for each sparsity and the uniform model itself, the one that diverges least from the teacher: by
 * measurement, so an allocation that was misled by single blocks does no harm.
 */
export function chooseAllocations(
  context: JobContext,
  candidates: readonly AllocatedComposition[],
  measured: ReadonlyMap<string, Measured>,
): AllocatedComposition[] {
  const { depth, hidden } = context.architecture;
  return descents(context.loaded.config, hidden).flatMap(({ sparsity, width }) => {
    const own = candidates.filter((item) => item.sparsity === sparsity);
    const id = finalUniformId(context, sparsity);
    if (!measured.has(id)) return [];
    const budgetParams = depth * blockCosts(context.architecture, width).params;
    const uniform: AllocatedComposition = {
      id,
      costs: 'uniform',
      sparsity,
      widths: new Array<number>(depth).fill(width),
      ffnParams: budgetParams,
      budgetParams,
    };
    const kl = (item: AllocatedComposition) => measured.get(item.id)!.kl;
    return [own.reduce((best, item) => (kl(item) < kl(best) ? item : best), uniform)];
  });
}

/** Allocated models beside their uniform ones; both must be among the scores, over the same images. */
export async function allocatedOf(
  context: JobContext,
  allocated: readonly AllocatedComposition[],
  models: ReadonlyMap<string, Scores>,
  measured: ReadonlyMap<string, Measured>,
): Promise<MeasuredAllocation[]> {
  const { bounds, pairedScoresPp } = await import('../../../measure/interval.ts');
  const { confidence } = context.loaded.config.measure;
  return allocated.map(({ id, costs, sparsity, widths, ffnParams, budgetParams }) => {
    const uniform = models.get(finalUniformId(context, sparsity))!;
    const difference = pairedScoresPp(models.get(id)!.correct, uniform.correct, confidence);
    return {
      id,
      costs,
      sparsity,
      widths,
      ffnParams,
      budgetParams,
      measured: measured.get(id)!,
      // The uniform model against itself differs by nothing, and that is known exactly.
      versusUniformPp: costs === 'uniform' ? { mean: 0, low: 0, high: 0 } : bounds(difference),
    };
  });
}
