import { engineChoices, type EngineChoice } from '../../tensor/installed.ts';
import type { MeasuredSplit } from '../../library/images.ts';
import type { CommandArguments } from '../command.ts';
import { fail } from '../../util/failure.ts';
import { libraryArgument, once, oneOf } from '../../terminal/options.ts';

export interface VerifyCommand {
  readonly library: string;
  readonly measure: boolean;
  readonly config?: string | undefined;
  readonly split: MeasuredSplit;
  readonly engine: EngineChoice;
  readonly json: boolean;
}

interface Options {
  readonly library: string;
  readonly measure: boolean;
  readonly config?: string | string[] | undefined;
  readonly split?: string | string[] | undefined;
  readonly engine?: string | string[] | undefined;
  readonly json: boolean;
}

/** The manifest's numbers are the selection split's; the test split asks whether they hold on images never used. */
const splits = ['selection', 'test'] as const;

export const verifyArguments: CommandArguments<VerifyCommand, Options> = {
  usage: 'verify <library>',
  describe: 'check a library, a model folder or a deployment: every file and weight, with --measure numbers',
  options: (parser) =>
    parser
      .positional('library', {
        ...libraryArgument,
        describe: 'library folder, run folder, model folder, deployment or one of its packages',
      })
      .options({
        measure: {
          type: 'boolean',
          default: false,
          describe: 'measure the recorded whole models again and say which numbers hold',
        },
        config: {
          type: 'string',
          alias: 'c',
          describe: 'with --measure: the config that made the library; default: the run it lies in',
        },
        split: {
          type: 'string',
          describe: `with --measure: images of this split: ${splits.join(', ')}; default: selection`,
        },
        engine: { type: 'string', describe: `with --measure: ${engineChoices.join(', ')}; default: auto` },
        json: { type: 'boolean', default: false, describe: 'all findings and numbers as JSON' },
      })
      .requiresArg(['config', 'split', 'engine'])
      .epilog(
        'Without --measure no data and no engine is needed: schema and references of the manifest, place, size and ' +
          'SHA-256 of every file, shapes and finite weights, recorded outputs of every descendant, graphs, kept units, ' +
          'ranking tables, every model under models/. Of a model folder (it holds composition.json): the same of its files, and ' +
          'that its index and graphs take these weights from these files and nothing else. A graph is read, not run: it must ' +
          'be the one of this architecture, operation by operation. Of a deployment, of one of its devices or of its coordinator: the ' +
          'same, and that every sub-model and the fusion give the outputs of the self-tests, which takes an engine. Everything ' +
          'that is wrong is listed, with its file.\n' +
          'Exit codes: 0 whole, and all numbers hold; 3 damaged; 5 a number does not hold; others as for run.',
      )
      .example('$0 verify runs/demo', 'is this library whole?')
      .example('$0 verify runs/demo --measure', 'and do its numbers hold on this machine?')
      .example('$0 verify library --measure --config demo.yaml', 'of a library that was copied here')
      .example('$0 verify runs/demo/library/models/params-60pct', 'is this model folder whole?')
      .example('$0 verify runs/split/deployment-two', 'is this deployment whole, or one package of it?'),
  read: verifyCommand,
  places: ({ library, config }) => ({ 'verify DIR': library, '--config FILE': config }),
};

function verifyCommand(args: Options): VerifyCommand {
  const config = once('config', args.config);
  const split = oneOf('split', once('split', args.split), splits);
  const engine = oneOf('engine', once('engine', args.engine), engineChoices);
  const given = Object.entries({ config, split, engine }).find(([, value]) => value !== undefined);
  if (given !== undefined && !args.measure) {
    fail({
      reason: 'usage',
      subject: `--${given[0]}`,
      found: 'given without --measure, which alone needs it',
      next: 'add --measure, or leave it out',
    });
  }
  return {
    library: args.library,
    measure: args.measure,
    config,
    split: split ?? 'selection',
    engine: engine ?? 'auto',
    json: args.json,
  };
}
