import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import { distillBlock } from '../../pipeline/distill/loop.ts';
import type { DistillSettings } from '../../pipeline/distill/task.ts';
import { collectPairs } from '../../pipeline/compress/pairs.ts';
import { composedExamples } from '../../pipeline/distill/composed-examples.ts';
import type { Examples } from '../../pipeline/distill/examples.ts';
import { openChain } from '../../pipeline/recipe/fit-composed.ts';
import { advanceStreams } from '../../pipeline/compress/streams.ts';
import { classProbability } from '../../pipeline/compress/token-weights.ts';
import { teacherExamples } from '../../pipeline/distill/teacher-examples.ts';
import type { Order } from '../../pipeline/compress/order/criterion.ts';
import { rankBlock } from '../../pipeline/recipe/block-inputs.ts';
import { globalWidths } from './global-widths.ts';
import type { AllocationRule, Recipe } from '../../pipeline/recipe/recipe.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { blockName, widthName } from '../../pipeline/model/architecture.ts';
import type { FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import type { Evaluation } from './evaluate.ts';
import type { FoldEvidence } from './evidence.ts';
import { measuredWidths } from './measured-widths.ts';

export interface RecipeRun {
  readonly recipe: Recipe;
  readonly evidence: FoldEvidence;
  readonly evaluation: Evaluation;
  /** Uniform models, widest first. */
  readonly steps: readonly { readonly sparsity: number; readonly width: number }[];
  readonly widthMultiple: number;
  /** Calibration images for the `measured` allocation. */
  readonly allocationBatches: () => AsyncIterable<TensorBatch>;
  /** What is wanted; each number above 0 is a training of its own, from the refit. */
  readonly distillSteps: readonly number[];
  readonly distill: Omit<DistillSettings, 'steps'> & { readonly batchTokens: number };
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
  const { recipe, evidence, steps, evaluation } = run;
  const { context } = evidence;
  const { blocks } = context;
  run.onNote(`${recipe.name}, order and refit`);
  const orders: Order[] = [];
  const orderOf = (block: number): Order => (orders[block] ??= rankBlock(recipe, blocks[block]));
  let fitSeconds = 0;
  const globally = async (width: number): Promise<number[]> => {
    const start = performance.now();
    const scores: Float64Array[] = [];
    for (const block of blocks.keys()) {
      scores.push(scoresOf(recipe, orderOf(block)));
      await setImmediate();
    }
    fitSeconds += since(start);
    return globalWidths(scores, { total: width * blocks.length, multiple: run.widthMultiple });
  };
  const fit = async (widths: readonly (readonly number[])[]): Promise<Map<string, FfnWeights>> => {
    const start = performance.now();
    const distinct = widths.map((some) => [...new Set(some)].sort((a, b) => b - a));
    const library = await recipe.descend({
      recipe,
      context,
      orderOf,
      widths: distinct.map((some, block) => some.filter((width) => width < blocks[block].weights.hidden)),
      onBlock: () => setImmediate(),
    });
    fitSeconds += since(start);
    return new Map(
      distinct.flatMap((_, block) =>
        [...library[block], blocks[block].weights].map((weights) => [keyOf(block, weights.hidden), weights]),
      ),
    );
  };

  const models: PlannedModel[] = [];
  let library = new Map<string, FfnWeights>();
  let allocationSeconds = 0;
  for (const allocation of recipe.allocations) {
    if (allocation === 'measured') {
      run.onNote(`${recipe.name}, single blocks for the allocation`);
      const start = performance.now();
      const grid = blocks.map(({ weights: { hidden } }) => widthGrid(hidden, run));
      library = await fit(grid);
      const found = await measuredWidths({
        model: context.model,
        batches: run.allocationBatches(),
        candidates: grid.map((widths, block) => widths.map((width) => library.get(keyOf(block, width))!)),
        budgets: steps.map(({ width }) => width * blocks.length),
        onImages: run.onAllocationImages,
      });
      allocationSeconds = since(start);
      models.push(...steps.map(({ sparsity }, i) => ({ allocation, sparsity, widths: found[i] })));
    } else {
      for (const { sparsity, width } of steps) {
        const widths = allocation === 'uniform' ? blocks.map(() => width) : await globally(width);
        models.push({ allocation, sparsity, widths });
      }
    }
  }
  const needed = blocks.map((_, block) => models.map(({ widths }) => widths[block]));
  const missing = needed.some((widths, block) => widths.some((width) => !library.has(keyOf(block, width))));
  if (missing) library = await fit(needed);

  for (const distillSteps of run.distillSteps) {
    const start = performance.now();
    const trained = distillSteps === 0 ? library : await distilled(run, distillSteps, needed, library);
    const distillSeconds = distillSteps === 0 ? 0 : since(start);
    const results: ModelResult[] = [];
    for (const { allocation, sparsity, widths } of models) {
      const name = `${recipe.name}, ${allocation}, ${stageName(distillSteps)}, ${sparsity}`;
      run.onNote(name);
      const ffn = widths.map((width, block) => trained.get(keyOf(block, width))!);
      const scores = await evaluation.score(name, ffn);
      const seconds = {
        fitSeconds,
        allocationSeconds: allocation === 'measured' ? allocationSeconds : 0,
        distillSeconds,
      };
      results.push({ recipe: recipe.name, allocation, distillSteps, sparsity, widths, ...seconds, scores });
    }
    yield { distillSteps, models: results };
  }
}

export function stageName(distillSteps: number): string {
  return distillSteps === 0 ? 'one-shot' : `distilled ${distillSteps} steps`;
}

const keyOf = (block: number, width: number): string => `${block}/${width}`;

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

function scoresOf({ name }: Recipe, { scores }: Order): Float64Array {
  if (scores !== undefined) return scores;
  throw new Error(`recipe ${name}: its criterion gives no scores to rank globally`);
}

/** All descendants that some model needs, block by block; the teacher's own blocks stay as they are. */
async function distilled(
  run: RecipeRun,
  steps: number,
  needed: readonly (readonly number[])[],
  library: ReadonlyMap<string, FfnWeights>,
): Promise<Map<string, FfnWeights>> {
  const { recipe, evidence, seed, onNote, onDistilled } = run;
  const { batchTokens, ...settings } = run.distill;
  const { blocks } = evidence.context;
  const result = new Map(library);
  const source =
    recipe.composedShare === undefined
      ? teacherSource(run, batchTokens)
      : await composedSource(run, batchTokens, library);
  for (const [block, { weights: teacher }] of blocks.entries()) {
    const widths =
      source.widths?.[block] ?? [...new Set(needed[block])].filter((width) => width < teacher.hidden);
    onNote(`${recipe.name}, distilling ${blockName(block)}, ${steps} steps`);
    if (widths.length > 0) {
      const examples = await source.examplesOf(block, widths.length);
      const { students } = await distillBlock({
        block: `${recipe.name}, ${blockName(block)}`,
        students: widths.map((width) => ({
          id: widthName(width),
          weights: library.get(keyOf(block, width))!,
        })),
        examples,
        settings: { ...settings, steps },
        signal: new AbortController().signal,
        // A block takes minutes at most; what is kept is the finished recipe.
        checkpoint: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
      });
      examples.dispose();
      students.forEach(({ weights }) => result.set(keyOf(block, weights.hidden), weights));
      await source.advance(
        block,
        students.map(({ weights }) => weights),
      );
    }
    onDistilled(widths.length, steps);
  }
  return result;

  function teacherSource({ evidence: known }: RecipeRun, rows: number): ExampleSource {
    return {
      examplesOf: (block, students) =>
        Promise.resolve(
          teacherExamples({
            teacher: blocks[block].weights,
            students,
            tokens: known.tokens[block],
            heldOut: known.heldOut[block],
            gelu: known.context.model.architecture.gelu,
            batchTokens: rows,
            seed,
          }),
        ),
      advance: () => Promise.resolve(),
    };
  }
}

interface ExampleSource {
  /** Where they are fixed: every block has as many. */
  readonly widths?: readonly (readonly number[])[];
  examplesOf(block: number, students: number): Promise<Examples>;
  advance(block: number, descendants: readonly FfnWeights[]): Promise<void>;
}

/** As the pipeline's `distill` stage: on the streams of the models that are trained so far. */
async function composedSource(
  { recipe, evidence, seed }: RecipeRun,
  batchTokens: number,
  library: ReadonlyMap<string, FfnWeights>,
): Promise<ExampleSource> {
  const { context } = evidence;
  const { gelu, hidden } = context.model.architecture;
  const widths = context.blocks.map((_, block) =>
    [...library.keys()]
      .filter((key) => key.startsWith(`${block}/`))
      .map((key) => Number(key.split('/')[1]))
      .filter((kept) => kept < hidden)
      .sort((a, b) => b - a),
  );
  const chain = await openChain({ context, widths });
  return {
    widths,
    async examplesOf(block) {
      return composedExamples({
        ...(await collectPairs(chain.streams, block, chain)),
        ...(recipe.composedShare !== undefined && { ownShare: recipe.composedShare }),
        classProbability: classProbability(chain.weights[block], chain.sampled),
        gelu,
        batchTokens,
        block: blockName(block),
        seed,
      });
    },
    advance: (block, descendants) => advanceStreams(chain.streams, block, descendants),
  };
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
