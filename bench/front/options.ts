import yargs from 'yargs';
import type { EngineChoice } from '../../pipeline/tensor/engine.ts';
import { fail } from '../../pipeline/util/failure.ts';
import { parseOptions } from '../support/parse-options.ts';
import { rowNames, type RowName } from './row-names.ts';

/** What `npm run bench -- front` was asked for. */
export interface FrontOptions {
  readonly config: string;
  readonly set: readonly string[];
  /** A teacher file, for configs that train theirs. */
  readonly teacher?: string;
  /** Most calibration and measured images; absent: all there are. */
  readonly calibrationImages?: number;
  readonly evaluationImages?: number;
  /** Shares of hidden units removed, ascending: what the multiply-adds of the columns follow from. */
  readonly sparsities: readonly number[];
  /** More columns, as shares of the teacher's multiply-adds, also below what units alone can reach. */
  readonly macs: readonly number[];
  readonly rows: readonly RowName[];
  /** A library, or the folder of a run that made one. */
  readonly distilled?: string;
  /** Minutes of end-to-end distillation of each start at every sparsity, its fit among them; 0 for none. */
  readonly polish: number;
  /** Timed forward passes of each model. */
  readonly rounds: number;
  readonly engine?: EngineChoice;
  readonly out?: string;
}

/** @throws BlockForgeError `usage`; returns undefined after printing help */
export async function readOptions(argv: readonly string[]): Promise<FrontOptions | undefined> {
  const parser = yargs([...argv])
    .scriptName('npm run bench -- front')
    .usage(
      '$0 --config FILE: what removed units, merged tokens and narrower attention give at equal multiply-adds',
    )
    .options({
      config: { type: 'string', demandOption: true, describe: 'a config of the method blocks' },
      set: {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'key.path=value, as for the pipeline',
      },
      teacher: { type: 'string', describe: 'teacher file, for configs that train theirs' },
      images: { type: 'string', describe: 'most calibration and measured images, e.g. 1000,600' },
      sparsities: {
        type: 'string',
        default: '0.5,0.7',
        describe: 'shares of hidden units removed: the columns',
      },
      macs: {
        type: 'string',
        default: '0.5',
        describe: "more columns: shares of the teacher's multiply-adds",
      },
      rows: { type: 'string', default: rowNames.join(','), describe: 'which ways' },
      distilled: {
        type: 'string',
        describe: 'a finished run: its library has descendants of these sparsities',
      },
      polish: {
        type: 'number',
        default: 0,
        describe: 'minutes of end-to-end distillation, from VBP and from the refit; 0 for none',
      },
      rounds: { type: 'number', default: 20, describe: 'timed passes of each model' },
      engine: { choices: ['auto', 'tensorflow', 'wasm'] as const, describe: "default: the config's" },
      out: { type: 'string', describe: 'JSON file; a Markdown table is put beside it' },
    });
  const args = await parseOptions(parser, argv, refuse);
  if (args === undefined) return undefined;
  const [calibrationImages, evaluationImages = calibrationImages] = images(args.images ?? '');
  if (!(args.polish >= 0)) refuse(`--polish ${args.polish}: minutes are expected`);
  if (!Number.isInteger(args.rounds) || args.rounds < 1)
    refuse(`--rounds ${args.rounds}: a whole number from 1 on is expected`);
  return {
    config: args.config,
    set: args.set,
    ...(args.teacher !== undefined && { teacher: args.teacher }),
    ...(calibrationImages !== undefined && { calibrationImages }),
    ...(evaluationImages !== undefined && { evaluationImages }),
    sparsities: shares('sparsities', args.sparsities),
    macs: shares('macs', args.macs),
    rows: names(args.rows),
    ...(args.distilled !== undefined && { distilled: args.distilled }),
    polish: args.polish,
    rounds: args.rounds,
    ...(args.engine !== undefined && { engine: args.engine }),
    ...(args.out !== undefined && { out: args.out }),
  };
}

function images(list: string): number[] {
  const found = list
    .split(',')
    .filter((text) => text !== '')
    .map(Number);
  if (found.some((value) => !Number.isInteger(value) || value < 1) || found.length > 2) {
    refuse(`--images ${list}: one or two whole numbers from 1 on are expected`);
  }
  return found;
}

/** Ascending, each once. */
function shares(option: string, list: string): number[] {
  const found = list
    .split(',')
    .filter((text) => text !== '')
    .map(Number);
  if (found.some((share) => !(share > 0 && share < 1))) {
    refuse(`--${option} ${list}: shares between 0 and 1 are expected`);
  }
  return [...new Set(found)].sort((a, b) => a - b);
}

function names(list: string): RowName[] {
  const found = list.split(',').filter((name) => name !== '');
  const unknown = found.filter((name) => !rowNames.some((one) => one === name));
  if (unknown.length > 0) refuse(`--rows: no ${unknown.join(', ')} (there are ${rowNames.join(', ')})`);
  return rowNames.filter((name) => found.includes(name));
}

function refuse(found: string): never {
  return fail({ reason: 'usage', subject: 'front', found, next: 'npm run bench -- front --help' });
}
