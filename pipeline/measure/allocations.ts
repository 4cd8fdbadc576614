import { allocate } from '../allocate/allocate.ts';
import { hiddenUnits, type Architecture } from '../model/architecture.ts';
import { blockCosts, ffnCosts } from '../model/costs.ts';
import { scoreId, type Context, type ContextName } from './contexts.ts';
import { bounds, pairedScoresPp, type Interval } from './interval.ts';
import { levelOf, widthIn, widthsAt, type Level } from './level.ts';
import { measuredOf, type Measured } from './measured.ts';
import { summariseScores, type Scores } from './scores.ts';

/** A choice of one width for every block. */
export interface WidthChoice {
  /** In score files. */
  readonly id: string;
  /** Hidden units by block. */
  readonly widths: readonly number[];
}

export interface AllocatedComposition extends WidthChoice {
  /** Whose divergences were minimised: a context's, or their average; `uniform` where nothing diverged less than that. */
  readonly costs: ContextName | 'average' | 'uniform';
  /** Of the uniform model it must not exceed. */
  readonly sparsity: number;
  /** Of all FFN blocks: its own, and the uniform model's, which was its budget. */
  readonly ffnParams: number;
  readonly budgetParams: number;
}

/** A model of allocated widths and how it compares with the uniform one that was its budget. */
export interface MeasuredAllocation extends AllocatedComposition {
  readonly measured: Measured;
  /** Its top-1 minus that of the uniform model, paired over the same images. */
  readonly versusUniformPp: Interval;
}

/** The same share in every block. */
export type UniformStep = Level & {
  /** Share of hidden units removed, as configured. */
  readonly sparsity: number;
};

/**
 * For every sparsity the widths that diverge least from the teacher at no more FFN parameters than the uniform model.
 *
 * The cost of a width is the divergence from the teacher that it adds. Not its top-1 delta: among mild descendants that is
 * a handful of flipped images, so its noise, summed over blocks, would choose the widths; KL uses every probability of
 * every image, and no label, so choosing by it fits the labels of this split less.
 *
 * What a block costs depends on how narrow the others are, and no single context is right for every budget: in the
 * sparsest one a narrow block may even repair what the others did, which misleads a mild budget. So each context gives a
 * candidate, their average one more; all are to be measured, and `chooseAllocations` keeps the one that diverges least.
 *
 * @param models scores of every block at every width in every context
 * @returns candidates that differ from the uniform model and from each other
 */
export function allocateWidths(
  models: ReadonlyMap<string, Scores>,
  architecture: Architecture,
  contexts: readonly Context[],
  steps: readonly UniformStep[],
): AllocatedComposition[] {
  const { depth } = architecture;
  const hiddens = hiddenUnits(architecture);
  const levels: readonly Level[] = [levelOf(hiddens), ...steps];
  const widths = hiddens.map((_, block) => levels.map((level) => widthIn(level, block)));
  const divergences = hiddens.map((hidden, block) =>
    widths[block]!.map((width) => addedDivergences(models, contexts, { block, width, hidden })),
  );
  return steps.flatMap(({ sparsity, ...step }) => {
    const uniform = widthsAt(step, depth);
    const budgetParams = ffnCosts(architecture, uniform).params;
    const seen = new Set([uniform.join()]);
    return [...contexts.map(({ name }) => name), 'average' as const].flatMap((costs, kind) => {
      const costOf = (added: readonly number[]) =>
        added[kind] ?? added.reduce((sum, value) => sum + value, 0) / added.length;
      const choices = divergences.map((own, block) =>
        own.map((added, level) => ({
          cost: costOf(added),
          resource: blockCosts(architecture, block, widths[block]![level]!).params,
        })),
      );
      const best = allocate(choices, budgetParams);
      if (best === null) throw new Error('the uniform model exceeds its own size');
      const chosen = best.choice.map((level, block) => widths[block]![level]!);
      if (seen.has(chosen.join())) return [];
      seen.add(chosen.join());
      const id = `allocated/${sparsity}/${costs}`;
      return [{ id, costs, sparsity, widths: chosen, ffnParams: best.resource, budgetParams }];
    });
  });
}

/**
 * Of the candidates for each sparsity and the uniform model itself, the one that diverges least from the teacher: by
 * measurement, so an allocation that was misled by single blocks does no harm.
 * @param uniformId of the uniform model of a sparsity, in `measured`; a sparsity without one is passed over
 */
export function chooseAllocations(
  candidates: readonly AllocatedComposition[],
  measured: ReadonlyMap<string, Measured>,
  architecture: Architecture,
  steps: readonly UniformStep[],
  uniformId: (sparsity: number) => string,
): AllocatedComposition[] {
  const kl = ({ id }: AllocatedComposition) => measuredOf(measured, id).kl;
  return steps.flatMap(({ sparsity, ...step }) => {
    const id = uniformId(sparsity);
    if (!measured.has(id)) return [];
    const widths = widthsAt(step, architecture.depth);
    const budgetParams = ffnCosts(architecture, widths).params;
    const uniform: AllocatedComposition = {
      id,
      costs: 'uniform',
      sparsity,
      widths,
      ffnParams: budgetParams,
      budgetParams,
    };
    const own = candidates.filter((item) => item.sparsity === sparsity);
    return [own.reduce((best, item) => (kl(item) < kl(best) ? item : best), uniform)];
  });
}

/** Allocated models beside their uniform ones; both must be among the scores, over the same images. */
export function besideUniform(
  allocated: readonly AllocatedComposition[],
  models: ReadonlyMap<string, Scores>,
  measured: ReadonlyMap<string, Measured>,
  confidence: number,
  uniformId: (sparsity: number) => string,
): MeasuredAllocation[] {
  return allocated.map(({ id, costs, sparsity, widths, ffnParams, budgetParams }) => {
    const uniform = measuredOf(models, uniformId(sparsity));
    const difference = pairedScoresPp(measuredOf(models, id).correct, uniform.correct, confidence);
    return {
      id,
      costs,
      sparsity,
      widths,
      ffnParams,
      budgetParams,
      measured: measuredOf(measured, id),
      // The uniform model against itself differs by nothing, and that is known exactly.
      versusUniformPp: costs === 'uniform' ? { mean: 0, low: 0, high: 0 } : bounds(difference),
    };
  });
}

/** KL(teacher || model) that a width adds, in nats: one of each context. */
export function addedDivergences(
  models: Pick<ReadonlyMap<string, Scores>, 'get'>,
  contexts: readonly Context[],
  { block, width, hidden }: { readonly block: number; readonly width: number; readonly hidden: number },
): number[] {
  const kl = (id: string) => summariseScores(measuredOf(models, id)).kl;
  return contexts.map((context) => kl(scoreId(context, block, width)) - kl(scoreId(context, block, hidden)));
}
