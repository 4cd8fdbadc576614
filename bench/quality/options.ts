import yargs from 'yargs';
import { distillingNames, recipeNames as all, type RecipeName } from './recipes.ts';
import type { EngineChoice } from '../../pipeline/tensor/engine.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { parseOptions } from '../support/parse-options.ts';

/** What `npm run bench -- quality` was asked for. */
export interface QualityOptions {
  readonly config: string;
  readonly set: readonly string[];
  /** A teacher file, for configs that train theirs. */
  readonly teacher?: string;
  readonly recipes: readonly RecipeName[];
  /** Ascending. */
  readonly sparsities: readonly number[];
  readonly folds: number;
  /** Empty: the config's own. */
  readonly seeds: readonly number[];
  /** Most images of a fold; absent: all there are. */
  readonly calibrationImages?: number;
  readonly evaluationImages?: number;
  /** Only the models with the same sparsity in every block. */
  readonly uniformOnly: boolean;
  /** Calibration images that measure single blocks for the `measured` allocation. */
  readonly allocationImages: number;
  /** Steps of distillation, each a training of its own; ascending, empty for none. */
  readonly distill: readonly number[];
  /** Which recipes are distilled; default: those that bring a distillation of their own. */
  readonly distillRecipes: readonly RecipeName[];
  readonly engine?: EngineChoice;
  readonly out?: string;
  /** Forget what an earlier call of the same settings has stored. */
  readonly fresh: boolean;
}

/** @throws BlockForgeError `usage`; returns undefined after printing help */
export async function readOptions(argv: readonly string[]): Promise<QualityOptions | undefined> {
  const parser = yargs([...argv])
    .scriptName('npm run bench -- quality')
    .usage('$0 --config FILE: every recipe on one teacher, the same images and the same measurements')
    .options({
      config: { type: 'string', demandOption: true, describe: 'any pipeline config' },
      set: {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'key.path=value, as for the pipeline',
      },
      teacher: { type: 'string', describe: 'teacher file, for configs that train theirs' },
      recipes: { type: 'string', default: all.join(','), describe: 'which recipes' },
      sparsities: { type: 'string', default: '0.4,0.5,0.6,0.7', describe: 'shares of hidden units removed' },
      folds: {
        type: 'number',
        default: 2,
        describe:
          'calibration and selection images in N parts, each measured after calibrating on the others; 1: as split',
      },
      seeds: {
        type: 'string',
        default: '',
        describe: "other samples and splits (default: the config's seed)",
      },
      images: { type: 'string', describe: 'most calibration and evaluation images of a fold, e.g. 500,500' },
      'uniform-only': { type: 'boolean', default: false, describe: 'leave out allocated models' },
      'allocation-images': {
        type: 'number',
        default: 96,
        describe: 'calibration images for measured allocation',
      },
      distill: {
        type: 'string',
        default: '0',
        requiresArg: true,
        describe: 'steps of distillation, each a training of its own, e.g. 50,200,800; 0 for none',
      },
      'distill-recipes': {
        type: 'string',
        default: distillingNames.join(','),
        describe: 'which recipes are distilled',
      },
      engine: { choices: ['auto', 'tensorflow', 'wasm'] as const, describe: "default: the config's" },
      out: { type: 'string', describe: 'JSON file; a Markdown table is put beside it' },
      fresh: { type: 'boolean', default: false, describe: 'measure again what is stored already' },
    });
  const args = await parseOptions(parser, argv, refuse);
  if (args === undefined) return undefined;
  const [calibrationImages, evaluationImages = calibrationImages] = numbers('images', args.images ?? '', 1);
  const seeds = numbers('seeds', args.seeds, 0);
  if (!Number.isInteger(args.folds) || args.folds < 1)
    refuse(`--folds ${args.folds} is no whole number from 1 on`);
  const sparsities = args.sparsities.split(',').map(Number);
  if (sparsities.length === 0 || sparsities.some((share) => !(share > 0 && share < 1))) {
    refuse(`--sparsities ${args.sparsities}: shares between 0 and 1 are expected`);
  }
  return {
    config: args.config,
    set: args.set,
    ...(args.teacher !== undefined && { teacher: args.teacher }),
    recipes: names('recipes', args.recipes),
    sparsities: [...new Set(sparsities)].sort((a, b) => a - b),
    folds: args.folds,
    seeds,
    ...(calibrationImages !== undefined && { calibrationImages }),
    ...(evaluationImages !== undefined && { evaluationImages }),
    uniformOnly: args['uniform-only'],
    allocationImages: args['allocation-images'],
    distill: [...new Set(numbers('distill', args.distill, 0))]
      .filter((steps) => steps > 0)
      .sort((a, b) => a - b),
    distillRecipes: names('distill-recipes', args['distill-recipes']),
    ...(args.engine !== undefined && { engine: args.engine }),
    ...(args.out !== undefined && { out: args.out }),
    fresh: args.fresh,
  };
}

function names(option: string, list: string): RecipeName[] {
  const found = list.split(',').filter((name) => name !== '');
  const unknown = found.filter((name) => !all.some((one) => one === name));
  if (unknown.length > 0)
    refuse(`--${option}: no recipe ${unknown.join(', ')} (there are ${all.join(', ')})`);
  // In the order of the registry, whatever the order asked for.
  return all.filter((name) => found.includes(name));
}

function numbers(option: string, list: string, least: number): number[] {
  const found = list
    .split(',')
    .filter((text) => text !== '')
    .map(Number);
  if (found.some((value) => !Number.isInteger(value) || value < least)) {
    refuse(`--${option} ${list}: whole numbers from ${least} on are expected`);
  }
  return found;
}

function refuse(found: string): never {
  return fail({ reason: 'usage', subject: 'quality', found, next: 'npm run bench -- quality --help' });
}
