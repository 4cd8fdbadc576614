/**
 * Every recipe on one teacher: the same calibration images, the same evaluation images, the same measurements. Answers
 * what a one-shot pruning of the FFN blocks is worth, beside the published ways to do it.
 *
 *     npm run bench -- quality --config demo.yaml
 *     npm run bench -- quality --config vit-tiny-in1k.yaml --recipes vbp,ob2c,blockforge --sparsities 0.5,0.7 --folds 2
 *     npm run bench -- quality --config vit-tiny-in1k.yaml --recipes blockforge --distill 50,200,800
 *
 * One pass over the calibration images serves all recipes, and one refit all trainings of a recipe. What a recipe gave on
 * a fold, one-shot and after each number of steps, is stored per image when it is done, so an interrupted call goes on
 * where it stopped, and the table so far is always there. Labels of calibration images are never read. Prints the table
 * on stdout, progress on stderr.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hiddenUnits } from '../pipeline/model/architecture.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { describeFittedOn, fittedOn } from '../pipeline/recipe/fitted-on.ts';
import { recipeOf } from '../pipeline/recipe/recipe.ts';
import { descents } from '../pipeline/stages/blocks/shape.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import { writeFileAtomic, writeJsonAtomic } from '../pipeline/util/atomic.ts';
import { BlockForgeError, exitCodeOf } from '../pipeline/util/failure.ts';
import { hashJson, sha256, type Json } from '../pipeline/util/hash.ts';
import { openQualityData, type QualityData } from './quality/data.ts';
import { openEvaluation } from './quality/evaluate.ts';
import { openEvidence, type FoldEvidence } from './quality/evidence.ts';
import { benchMemory, requireMemory } from './quality/memory.ts';
import { readOptions, type QualityOptions } from './quality/options.ts';
import { createProgress } from './quality/progress.ts';
import { recipesOf, type Baseline, type RecipeName } from './quality/recipes.ts';
import { runRecipe, type RecipeRun } from './quality/run-recipe.ts';
import { readRun, writeRun, type StoredRun } from './quality/store.ts';
import { buildTable, markdownTable } from './quality/table.ts';
import { foldWork, recipeWork } from './quality/work.ts';

/** Raise it when the bench itself measures something else: what is stored is then measured again. */
const version = 4;

async function quality(options: QualityOptions): Promise<string> {
  const seeds = options.seeds.length === 0 ? [undefined] : options.seeds;
  const first = await openQualityData(options, seeds[0]);
  const { loaded, architecture } = first;
  const engine = await loadEngine(options.engine ?? loaded.config.engine);
  const out = resolve(options.out ?? join('runs', loaded.name, 'quality', 'quality.json'));
  const store = `${out.replace(/\.json$/, '')}.runs`;
  await mkdir(store, { recursive: true });
  const folds = Array.from({ length: options.folds }, (_, fold) => fold);
  const baselineOf = (name: RecipeName): Baseline => baselineIn(first, name, options);
  console.error(requireMemory(benchMemory(first, options, options.recipes.map(baselineOf))));
  const foldWorks = foldWork(
    first,
    options.recipes.map((name) => baselineOf(name).recipe),
  );
  const parts = options.recipes.flatMap((name) =>
    trainings(name, options).map((distillSteps) => ({ name, distillSteps })),
  );
  const workOf = ({ name, distillSteps }: Part): number =>
    recipeWork(baselineOf(name), first, options, distillSteps);
  const progress = createProgress(
    seeds.length * folds.length * (foldWorks + parts.reduce((sum, part) => sum + workOf(part), 0)),
  );
  const done: StoredRun[] = [];
  const splitHashes: Record<string, string> = {};
  const report = async (): Promise<string> => {
    const table = buildTable(
      done,
      architecture.hidden * architecture.depth,
      loaded.config.measure.confidence,
    );
    const text = describe(first, engine.description, options, table, done);
    await writeJsonAtomic(out, {
      config: loaded.file,
      engine: engine.description,
      options: options as unknown as Json,
      confidence: loaded.config.measure.confidence,
      evaluationHashes: splitHashes,
      calibrationImages: done.map(({ seed, fold, calibrationImages }) => ({ seed, fold, calibrationImages })),
      recipes: options.recipes.map((name) => baselineOf(name) as unknown as Json),
      complete: done.length === seeds.length * folds.length * parts.length,
      ...table,
    });
    await writeFileAtomic(`${out.replace(/\.json$/, '')}.md`, text);
    return text;
  };

  const model = uploadTeacher(first.teacher, architecture);
  try {
    for (const seed of seeds) {
      const data = seed === seeds[0] ? first : await openQualityData(options, seed);
      const { seed: number } = data.loaded.config;
      for (const fold of folds) {
        const { calibration, evaluation } = data.folds[fold]!;
        splitHashes[`seed ${number}, fold ${fold}`] = sha256(
          evaluation.map(({ sha256 }) => sha256).join('\n'),
        );
        const pathOf = (part: Part): string =>
          join(store, `${runKey(data, options, part, fold, engine.name)}.safetensors`);
        const pending: Part[] = [];
        for (const part of parts) {
          const path = pathOf(part);
          if (options.fresh) await rm(path, { force: true });
          const stored = await readRun(path);
          if (stored === undefined) pending.push(part);
          else {
            done.push(stored);
            progress.skip(workOf(part));
          }
        }
        if (pending.length === 0) {
          progress.skip(foldWorks);
          continue;
        }
        const names = [...new Set(pending.map(({ name }) => name))];
        const title = `seed ${number}, fold ${fold + 1} of ${folds.length}`;
        const onImages = (images: number): void => progress.advance(images);
        progress.note(`${title}: the teacher on ${evaluation.length} images`);
        const batches = data.images.tensorBatches(evaluation, data.loaded.config.measure.batchSize);
        const measured = await openEvaluation(model, batches, onImages);
        try {
          let evidence: FoldEvidence | undefined;
          let weighting: string | undefined;
          for (const name of names) {
            const baseline = baselineOf(name);
            const { recipe } = baseline;
            if (evidence === undefined || weighting !== recipe.tokenWeights) {
              progress.note(`${title}: statistics of ${calibration.length} images`);
              const sharing = names.filter(
                (other) => baselineOf(other).recipe.tokenWeights === recipe.tokenWeights,
              );
              const needs = { recipes: sharing.map((other) => baselineOf(other).recipe) };
              evidence = await openEvidence(data, model, calibration, needs, onImages);
              weighting = recipe.tokenWeights;
            }
            const results = runRecipe({
              baseline,
              evidence,
              evaluation: measured,
              steps: descents(data.loaded.config, hiddenUnits(architecture)),
              widthMultiple: data.loaded.config.descendants.widthMultiple,
              allocationBatches: () =>
                data.images.tensorBatches(calibration.slice(0, options.allocationImages), 32),
              distillSteps: pending
                .filter((part) => part.name === name)
                .map(({ distillSteps }) => distillSteps),
              distill: distillation(baseline, data),
              seed: number,
              onNote: (note) => progress.note(`${title}: ${note}`),
              onAllocationImages: (images) => progress.advance(images * architecture.depth * 5),
              onDistilled: (students, steps) => progress.advance(students * steps * 0.2),
            });
            for await (const { distillSteps, models } of results) {
              const stored = {
                seed: number,
                fold,
                recipe: name,
                ids: measured.ids,
                calibrationImages: calibration.length,
                teacher: measured.teacher,
                models,
              };
              await writeRun(pathOf({ name, distillSteps }), stored);
              done.push(stored);
              await report();
            }
          }
        } finally {
          measured.dispose();
        }
      }
    }
  } finally {
    model.dispose();
  }
  progress.end();
  console.error(`${out} and .md`);
  return report();
}

/** The recipe as this call runs it; the seed decides nothing in it. */
function baselineIn({ loaded }: QualityData, name: RecipeName, { uniformOnly }: QualityOptions): Baseline {
  const baseline = recipesOf(loaded.config)[name];
  return uniformOnly ? { ...baseline, allocations: ['uniform'] } : baseline;
}

/** What is measured and stored as one: a recipe after so many steps of distillation. */
interface Part {
  readonly name: RecipeName;
  readonly distillSteps: number;
}

/** One-shot, and every training that this recipe gets. */
function trainings(name: RecipeName, { distill, distillRecipes }: QualityOptions): readonly number[] {
  return [0, ...(distillRecipes.includes(name) ? distill : [])];
}

/** The recipe's own, or the config's where it has none and is named all the same. */
function distillation({ recipe }: Baseline, { loaded: { config } }: QualityData): RecipeRun['distill'] {
  return { ...config.distill, ...recipe.distill };
}

/** Everything that decides what a recipe gives on a fold, except the program itself. */
function runKey(
  data: QualityData,
  options: QualityOptions,
  { name, distillSteps }: Part,
  fold: number,
  engine: string,
): string {
  const { config } = data.loaded;
  const { calibration, evaluation } = data.folds[fold]!;
  const baseline = baselineIn(data, name, options);
  const hash = hashJson({
    version,
    engine,
    recipe: baseline as unknown as Json,
    teacher: sha256(Buffer.from(data.teacher['head.weight']!.data.buffer)),
    images: [calibration, evaluation].map((items) => sha256(items.map(({ sha256 }) => sha256).join('\n'))),
    preprocessing: config.data.preprocessing,
    statistics: config.statistics,
    descendants: config.descendants,
    seed: config.seed,
    distill: distillSteps === 0 ? null : { ...distillation(baseline, data), steps: distillSteps },
    allocationImages: baseline.allocations.includes('measured') ? options.allocationImages : null,
  });
  return `${name}-seed${config.seed}-fold${fold}-${hash.slice(0, 12)}`;
}

function describe(
  { architecture, loaded }: QualityData,
  engine: string,
  { folds, recipes: names }: QualityOptions,
  table: ReturnType<typeof buildTable>,
  done: readonly StoredRun[],
): string {
  const { mean, low, high } = table.teacher.top1Percent;
  const seeds = [...new Set(done.map(({ seed }) => seed))];
  const calibration = [...new Set(done.map(({ calibrationImages }) => calibrationImages))].join(' or ');
  return `${[
    `# Quality of FFN pruning recipes: ${loaded.name}`,
    '',
    `Teacher ${mean.toFixed(1)} % [${low.toFixed(1)}, ${high.toFixed(1)}] top-1 on ${table.teacher.images} images; ` +
      `${architecture.depth} blocks of ${architecture.hidden} hidden units. ` +
      `${calibration} calibration images without labels, ` +
      `${folds === 1 ? 'calibration and selection split' : `${folds} folds crossed`}, ` +
      `seed ${seeds.join(', ')}; ${engine}. Intervals: ${100 * loaded.config.measure.confidence} %, paired by image. ` +
      'Fit: order and refit of all widths of the recipe, mean over the folds; in brackets the training of all of them.',
    '',
    markdownTable(table),
    '',
    `BlockForge: ${describeFit(loaded, done)}.`,
    '',
    'Widths: uniform, the same share of every block; global, all units ranked together by the recipe; measured, the ' +
      'smallest sum of single-block KL on calibration images at no more units (of this bench: a run allocates otherwise).',
    '',
    ...names.map((name) => `- ${name}: ${recipesOf(loaded.config)[name].source}`),
  ].join('\n')}\n`;
}

/** The same numbers as a run has for so many calibration images. */
function describeFit({ config }: QualityData['loaded'], done: readonly StoredRun[]): string {
  const images = Math.max(0, ...done.map(({ calibrationImages }) => calibrationImages));
  const recipe = { ...recipeOf(config), distill: null };
  return describeFittedOn(fittedOn(recipe, config.statistics.heldOut, images, () => null)).replace(
    /, [^,]*$/,
    '',
  );
}

async function main(): Promise<void> {
  try {
    const options = await readOptions(process.argv.slice(2));
    if (options !== undefined) console.log(await quality(options));
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    console.error(error.message);
    process.exitCode = exitCodeOf(error.failure.reason);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await main();
