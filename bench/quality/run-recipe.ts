import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import type { Order } from '../../pipeline/compress/order/criterion.ts';
import { distillStudents } from '../../pipeline/distill/distill-students.ts';
import { epochBatches } from '../../pipeline/distill/epoch-batches.ts';
import { lookImages } from '../../pipeline/distill/schedule.ts';

import type { Scores } from '../../pipeline/measure/scores.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { orderBlock } from '../../pipeline/compress/order/criteria.ts';
import { chainImages } from '../../pipeline/recipe/calibration.ts';
import { distillInputs, refitInputs, trainingInputs, type Training } from '../../pipeline/recipe/recipe.ts';
import type { Evaluation } from './evaluate.ts';
import type { FoldEvidence } from './evidence.ts';
import { globalWidths } from './global-widths.ts';
import { measuredWidths } from './measured-widths.ts';
import type { AllocationRule, Baseline } from './recipes.ts';
import { known } from '../../pipeline/util/known.ts';

export interface RecipeRun {
  readonly baseline: Baseline;
  readonly evidence: FoldEvidence;
  readonly evaluation: Evaluation;
  /** Uniform models, widest first. */
  readonly steps: readonly { readonly sparsity: number; readonly width: number }[];
  readonly widthMultiple: number;
  /** Calibration images for the `measured` allocation. */
  readonly allocationBatches: () => AsyncIterable<TensorBatch>;
  /** What is wanted; each number above 0 is a training of its own, from the refit. */
  readonly distillSteps: readonly number[];
  readonly distill: Training;
  readonly seed: number;
  readonly onNote: (text: string) => void;
  readonly onAllocationImages: (count: number) => void;
  readonly onDistilled: (models: number, steps: number) => void;
}

/** One whole model of a recipe on one fold. */
export interface ModelResult {
  readonly recipe: string;
  readonly allocation: AllocationRule;
  /** 0: as it was fitted, in one shot. */
  readonly distillSteps: number;
  readonly sparsity: number;
  readonly widths: readonly number[];
  /** Order and refit of all models of the recipe, which come from one pass. */
  readonly fitSeconds: number;
  /** Measuring single blocks; 0 for the other rules. */
  readonly allocationSeconds: number;
  /** Training all descendants of the recipe; 0 before. */
  readonly distillSeconds: number;
  readonly scores: Scores;
}

interface PlannedModel {
  readonly allocation: AllocationRule;
  readonly sparsity: number;
  readonly widths: readonly number[];
}

/** Every model of one recipe on one fold, measured: fitted once, and given after each number of `distillSteps`. */
export async function* runRecipe(
  run: RecipeRun,
): AsyncGenerator<{ readonly distillSteps: number; readonly models: ModelResult[] }> {
  const { baseline, evidence, steps, evaluation } = run;
  const { name, recipe } = baseline;
  const { teacher } = evidence;
  run.onNote(`${name}, order and refit`);
  const orders: Order[] = [];
  const orderOf = (block: number): Order =>
    (orders[block] ??= orderBlock(recipe.order, teacher[block]!, evidence.evidence[block]!));
  let fitSeconds = 0;
  const globally = async (width: number): Promise<number[]> => {
    const start = performance.now();
    const scores: Float64Array[] = [];
    for (const block of teacher.keys()) {
      scores.push(scoresOf(name, orderOf(block)));
      await setImmediate();
    }
    fitSeconds += since(start);
    return globalWidths(scores, { total: width * teacher.length, multiple: run.widthMultiple });
  };
  /** Every block at every width asked for, the teacher's own among them. */
  const fit = async (widths: readonly (readonly number[])[]): Promise<Map<string, FfnWeights>> => {
    const start = performance.now();
    const narrower = teacher.map(({ hidden }, block) => descending(widths[block]!, hidden));
    const composed = refitInputs(recipe);
    const result = new Map(teacher.map((weights, block) => [keyOf(block, weights.hidden), weights]));
    if (levelsOf(narrower, composed !== null) > 0) {
      const options = { ridge: recipe.order.ridge, method: recipe.refit.method };
      const plan = { composed, options, orderOf: (block: number) => orderOf(block).units, widths: narrower };
      for await (const { block, levels } of evidence.fit(plan)) {
        for (const { weights } of levels) result.set(keyOf(block, weights.hidden), weights);
      }
    }
    fitSeconds += since(start);
    return result;
  };

  const models: PlannedModel[] = [];
  let library = new Map<string, FfnWeights>();
  let allocationSeconds = 0;
  for (const allocation of baseline.allocations) {
    if (allocation === 'measured') {
      run.onNote(`${name}, single blocks for the allocation`);
      const start = performance.now();
      const grid = teacher.map(({ hidden }) => widthGrid(hidden, run));
      library = await fit(grid);
      const found = await measuredWidths({
        model: evidence.model,
        batches: run.allocationBatches(),
        candidates: grid.map((widths, block) => widths.map((width) => known(library, keyOf(block, width)))),
        budgets: steps.map(({ width }) => width * teacher.length),
        onImages: run.onAllocationImages,
      });
      allocationSeconds = since(start);
      models.push(...steps.map(({ sparsity }, i) => ({ allocation, sparsity, widths: found[i]! })));
    } else {
      for (const { sparsity, width } of steps) {
        const widths = allocation === 'uniform' ? teacher.map(() => width) : await globally(width);
        models.push({ allocation, sparsity, widths });
      }
    }
  }
  const needed = teacher.map((_, block) => models.map(({ widths }) => widths[block]!));
  const missing = needed.some((widths, block) => widths.some((width) => !library.has(keyOf(block, width))));
  if (missing) library = await fit(needed);

  for (const distillSteps of run.distillSteps) {
    const start = performance.now();
    const trained = distillSteps === 0 ? library : await distilled(run, distillSteps, needed, library);
    const distillSeconds = distillSteps === 0 ? 0 : since(start);
    const results: ModelResult[] = [];
    for (const { allocation, sparsity, widths } of models) {
      const note = `${name}, ${allocation}, ${stageName(distillSteps)}, ${sparsity}`;
      run.onNote(note);
      const ffn = widths.map((width, block) => known(trained, keyOf(block, width)));
      const scores = await evaluation.score(note, ffn);
      const seconds = {
        fitSeconds,
        allocationSeconds: allocation === 'measured' ? allocationSeconds : 0,
        distillSeconds,
      };
      results.push({ recipe: name, allocation, distillSteps, sparsity, widths, ...seconds, scores });
    }
    yield { distillSteps, models: results };
  }
}

export function stageName(distillSteps: number): string {
  return distillSteps === 0 ? 'one-shot' : `distilled ${distillSteps} steps`;
}

const keyOf = (block: number, width: number): string => `${block}/${width}`;

function widthsOf(library: ReadonlyMap<string, FfnWeights>, block: number): number[] {
  const own = [...library].filter(([key]) => key.startsWith(`${block}/`));
  return own.map(([, { hidden }]) => hidden);
}

/** What the allocation may choose from: the block itself, every uniform width, and a few beyond both ends. */
export function widthGrid(
  hidden: number,
  { steps, widthMultiple }: Pick<RecipeRun, 'steps' | 'widthMultiple'>,
): number[] {
  const narrowest = Math.min(...steps.map(({ width }) => width));
  const beyond = [0.8 * hidden, (2 / 3) * narrowest, narrowest / 3];
  const rounded = [...beyond, ...steps.map(({ width }) => width)].map(
    (width) => Math.max(1, Math.round(width / widthMultiple)) * widthMultiple,
  );
  return [...new Set([hidden, ...rounded.filter((width) => width < hidden)])].sort((a, b) => b - a);
}

function scoresOf(name: string, { scores }: Order): Float64Array {
  if (scores !== undefined) return scores;
  throw new Error(`recipe ${name}: its criterion gives no scores to rank globally`);
}

/** The widths under `hidden`, each once, widest first. */
function descending(widths: Iterable<number>, hidden: number): number[] {
  return [...new Set(widths)].filter((width) => width < hidden).sort((a, b) => b - a);
}

/** Models that composed inputs follow; else the widths of some block. @throws RangeError where blocks have different numbers of widths. */
function levelsOf(widths: readonly (readonly number[])[], composed: boolean): number {
  const levels = Math.max(...widths.map(({ length }) => length));
  if (composed && widths.some(({ length }) => length !== levels)) {
    throw new RangeError('composed inputs need the same number of widths in every block');
  }
  return levels;
}

/**
 * All descendants that some model needs, trained as whole students: the k-th widths of all blocks are one; the teacher's own blocks stay
 * as they are. On composed inputs a student meets what its own blocks make.
 */
async function distilled(
  run: RecipeRun,
  steps: number,
  needed: readonly (readonly number[])[],
  library: ReadonlyMap<string, FfnWeights>,
): Promise<Map<string, FfnWeights>> {
  const { baseline, evidence, seed, onNote, onDistilled, distill } = run;
  const { teacher, model, images, batchesOf } = evidence;
  const composed = distillInputs({ inputs: baseline.recipe.inputs, distill });
  const widths = teacher.map(({ hidden }, block) =>
    descending(composed === null ? needed[block]! : widthsOf(library, block), hidden),
  );
  const result = new Map(library);
  const levels = Math.max(levelsOf(widths, composed !== null), ...widths.map(({ length }) => length));
  if (levels === 0) return result;
  onNote(`${baseline.name}, distilling ${levels} widths, ${steps} steps`);
  const { length: training } = images.training;
  const { length: heldOut } = images.heldOut;
  const counts = chainImages(
    { images: composed?.images ?? null, heldOut: heldOut / (training + heldOut) },
    { training, heldOut },
  );
  const { batchSize } = distill;
  const { composedShare, ...weights } = trainingInputs(composed, distill);
  const { students } = await distillStudents({
    subject: baseline.name,
    model,
    // Where a block has fewer widths than others, its narrowest once more; the surplus is not looked at.
    students: Array.from({ length: levels }, (_, level) => ({
      id: `level ${level}`,
      ffns: widths.map((some, block) =>
        known(library, keyOf(block, some[Math.min(level, some.length - 1)] ?? teacher[block]!.hidden)),
      ),
    })),
    batches: (firstStep) =>
      epochBatches({
        ...{ items: images.training.slice(0, counts.training), batchSize, seed, firstStep, read: batchesOf },
      }),
    async *heldOut() {
      const some = images.heldOut.slice(0, Math.min(counts.heldOut, lookImages));
      for await (const { pixels } of batchesOf(some, batchSize)) yield pixels;
    },
    composedShare,
    settings: { ...distill, ...weights, steps },
    signal: new AbortController().signal,
    // What is kept is the finished recipe.
    checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
    onProgress: ({ note }) => onNote(`${baseline.name}, distilling, ${note}`),
  });
  for (const [level, { ffns }] of students.entries()) {
    for (const [block, some] of widths.entries()) {
      if (level < some.length) result.set(keyOf(block, some[level]!), ffns[block]!);
    }
  }
  onDistilled(
    widths.reduce((sum, { length }) => sum + length, 0),
    steps,
  );
  return result;
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
