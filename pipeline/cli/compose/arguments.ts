import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EngineChoice } from '../../tensor/installed.ts';
import type { CommandArguments } from '../command.ts';
import { fail } from '../../util/failure.ts';
import {
  limitOptions,
  parseDrop,
  parseLimit,
  type GivenLimit,
  type LimitOption,
} from '../../compose/limits.ts';
import { engineChoices } from '../../tensor/installed.ts';
import { libraryArgument, once, oneOf, wholeNumber } from '../../terminal/options.ts';

export interface ComposeCommand {
  readonly library: string;
  readonly limits: Partial<Readonly<Record<LimitOption, GivenLimit>>>;
  readonly maxDropPp?: number | undefined;
  /** A device profile by name or file. */
  readonly profile?: string | undefined;
  readonly minimise: LimitOption;
  readonly top: number;
  /** Instead of a model; to stdout without a file. */
  readonly front?: { readonly by: LimitOption; readonly file?: string | undefined } | undefined;
  readonly out?: string | undefined;
  readonly writes: boolean;
  readonly measures: boolean;
  /** Fit the blocks again for the model: to the run's calibration images, or to those of a folder. */
  readonly refit?: { readonly images?: string | undefined } | undefined;
  readonly config?: string | undefined;
  readonly engine: EngineChoice;
  readonly json: boolean;
}

type Text = string | string[];

interface Options extends Readonly<Partial<Record<LimitOption, Text | undefined>>> {
  readonly library: string;
  readonly 'max-drop'?: Text | undefined;
  readonly profile?: Text | undefined;
  readonly minimise?: Text | undefined;
  readonly top?: Text | undefined;
  readonly pareto?: Text | undefined;
  readonly by?: Text | undefined;
  readonly out?: Text | undefined;
  readonly 'dry-run': boolean;
  readonly 'no-measure': boolean;
  readonly refit: boolean;
  readonly images?: Text | undefined;
  readonly config?: Text | undefined;
  readonly engine?: Text | undefined;
  readonly json: boolean;
}

export const composeArguments: CommandArguments<ComposeCommand, Options> = {
  usage: 'compose <library>',
  describe: 'choose the blocks of the model that fits given limits, and write it',
  options: (parser) =>
    parser
      .positional('library', libraryArgument)
      .options({
        params: { type: 'string', describe: 'at most so many parameters: 3.1M, or 60% of the teacher' },
        macs: { type: 'string', describe: 'at most so many multiply-adds per image: 1.2G, 50%' },
        size: { type: 'string', describe: 'at most so large as files: 12MB, 12MiB, 60%' },
        latency: { type: 'string', describe: 'at most so long per batch (see --profile): 8ms, 60%' },
        'max-drop': {
          type: 'string',
          describe:
            "at most so many points lost, predicted, of the library's measure (top-1; of features k-NN or zero-shot top-1): 1.5pp",
        },
        profile: {
          type: 'string',
          describe: "device whose latencies count; default: the run's own, of FFN blocks alone",
        },
        minimise: {
          type: 'string',
          describe: `with --max-drop alone: ${limitOptions.join(', ')}; default: params`,
        },
        top: { type: 'string', describe: 'show so many different answers; the first is written' },
        pareto: {
          type: 'string',
          describe:
            'write no model but the front of loss against one resource, as CSV, to this file or stdout',
        },
        by: { type: 'string', describe: `with --pareto: ${limitOptions.join(', ')}; default: params` },
        out: { type: 'string', describe: 'folder of the model; default: models/<limits> in the library' },
        'dry-run': { type: 'boolean', alias: 'no-write', default: false, describe: 'print only' },
        'no-measure': { type: 'boolean', default: false, describe: 'write it unmeasured; loads no engine' },
        refit: {
          type: 'boolean',
          default: false,
          describe: "fit the model's blocks again, in closed form, for what they receive in it",
        },
        images: {
          type: 'string',
          describe: "with --refit: a folder of images; default: the run's calibration images",
        },
        config: {
          type: 'string',
          alias: 'c',
          describe: 'the config that made the library, for its images; default: the run it lies in',
        },
        engine: { type: 'string', describe: `what computes: ${engineChoices.join(', ')}; default: auto` },
        json: { type: 'boolean', default: false, describe: 'the same as JSON' },
      })
      .requiresArg([
        ...limitOptions,
        'max-drop',
        'profile',
        'minimise',
        'top',
        'by',
        'out',
        'images',
        'config',
        'engine',
      ])
      .group([...limitOptions, 'max-drop', 'profile', 'minimise'], 'Limits, any mix of:')
      .group(['top', 'pareto', 'by'], 'Answers:')
      .group(['out', 'refit', 'images', 'dry-run', 'no-measure', 'config', 'engine'], 'The model:')
      .epilog(
        'Of all compositions within the limits the one predicted to lose least, proved optimal for the prediction; with ' +
          '--max-drop alone the one with the fewest parameters (--minimise) that keeps to it. It is measured on the ' +
          'selection split, compared with its prediction, and written for ONNX, TensorFlow.js and as safetensors. These are ' +
          'the images it was chosen by; the test split is left alone.\n' +
          'With --refit fc2 of every narrowed block is fitted again, block after block, towards what brings this model back to ' +
          'the teacher: on calibration images, without labels, in about the time of four passes over them. What the library has ' +
          'stays where it is better on images held out, and the library itself is not changed.\n' +
          'Where nothing fits: which limits bind and the nearest composition; exit code 2.',
      )
      .example('$0 compose runs/demo --params 80%', 'the best model with 80 % of the parameters')
      .example('$0 compose runs/demo --params 80% --refit', 'the same, its blocks fitted to each other')
      .example(
        '$0 compose runs/demo --size 1.5MB --latency 8ms --profile laptop',
        'several limits on a device',
      )
      .example('$0 compose runs/demo --max-drop 1.5pp --minimise macs', 'the least work for 1.5 points')
      .example('$0 compose runs/demo --macs 50% --top 5 --dry-run', 'five answers, nothing written')
      .example('$0 compose runs/demo --pareto front.csv --by macs', 'the whole front'),
  read: composeCommand,
  places: ({ library, out, front, profile, config, refit }) => ({
    '--out DIR': out ?? join(folderOf(library), 'models'),
    '--pareto FILE': front?.file,
    '--profile FILE': profile,
    '--config FILE': config,
    '--images DIR': refit?.images,
    'compose DIR': library,
  }),
};

/** Where a library lies that is named by its folder, its manifest or its run. */
function folderOf(library: string): string {
  if (library.endsWith('.json')) return dirname(library);
  const own = join(library, 'library');
  return existsSync(join(own, 'manifest.json')) ? own : library;
}

function composeCommand(args: Options): ComposeCommand {
  const text = (option: keyof Options) => once(option, args[option] as Text | undefined);
  const only = (option: keyof Options, needed: boolean, needs: string) => {
    const value = text(option);
    if (value !== undefined && !needed)
      fail({ reason: 'usage', subject: `--${option}`, found: `it needs ${needs}`, next: `leave it out` });
    return value;
  };
  const limits = Object.fromEntries(
    limitOptions.flatMap((option) => {
      const value = text(option);
      return value === undefined ? [] : [[option, parseLimit(option, value)]];
    }),
  );
  const drop = text('max-drop');
  const pareto = text('pareto');
  const isFront = pareto !== undefined;
  const limited = limitOptions.filter((option) => option in limits);
  const by = oneOf('by', only('by', isFront, '--pareto'), limitOptions) ?? 'params';
  if (isFront) {
    const other = limited.find((option) => option !== by);
    if (other !== undefined) {
      fail({
        reason: 'usage',
        subject: `--${other}`,
        found: `given with a front by ${by}`,
        expected: `--${by} and --max-drop only, which cut the front off`,
        next: `--by ${other}, or leave --pareto out`,
      });
    }
  } else if (limited.length === 0 && drop === undefined) {
    fail({
      reason: 'usage',
      subject: 'compose',
      found: 'no limit given',
      expected: `one or more of ${limitOptions.map((option) => `--${option}`).join(', ')}, --max-drop, or --pareto`,
      next: `e.g. compose ${args.library} --params 80%`,
    });
  }
  const minimise = oneOf(
    'minimise',
    only('minimise', drop !== undefined && limited.length === 0 && !isFront, '--max-drop and no other limit'),
    limitOptions,
  );
  const writes = !args['dry-run'] && !isFront;
  const measures = writes && !args['no-measure'];
  const top = wholeNumber('top', only('top', !isFront, 'limits, not --pareto')) ?? 1;
  if (top > 100)
    fail({ reason: 'usage', subject: `--top ${top}`, found: 'too many', expected: '100 or fewer' });
  const profile = text('profile');
  const out = only('out', writes, 'a model to be written');
  if (args.refit && !writes)
    fail({
      reason: 'usage',
      subject: '--refit',
      found: 'it needs a model to be written',
      next: 'leave it out',
    });
  const images = only('images', args.refit, '--refit');
  const computes = measures || args.refit;
  const config = only('config', computes, 'a model to be measured or refitted');
  const engine = oneOf(
    'engine',
    only('engine', computes, 'a model to be measured or refitted'),
    engineChoices,
  );
  return {
    library: args.library,
    limits,
    maxDropPp: drop === undefined ? undefined : parseDrop(drop),
    profile,
    minimise: minimise ?? 'params',
    top,
    front: isFront ? { by, file: pareto === '' ? undefined : pareto } : undefined,
    out,
    writes,
    measures,
    refit: args.refit ? { images } : undefined,
    config,
    engine: engine ?? 'auto',
    json: args.json,
  };
}
