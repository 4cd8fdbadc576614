import yargs from 'yargs';
import type { Argv } from 'yargs';
import { stages } from '../stages/index.ts';
import { fail } from '../util/failure.ts';
import { composeArguments } from './compose/arguments.ts';
import type { ComposeCommand } from './compose/command.ts';
import { engines } from './engines.ts';
import { legodnnArguments } from './legodnn/arguments.ts';
import type { LegodnnCommand } from './legodnn/command.ts';
import { profileArguments } from './profile/arguments.ts';
import type { ProfileCommand } from './profile/command.ts';
import { once, oneOf, refuse, seeHelp } from './options.ts';
import { verifyArguments } from './verify/arguments.ts';
import type { VerifyCommand } from './verify/command.ts';

const stageNames = stages.map(({ name }) => name);

/** What the command line asks for. */
export type Command =
  | { readonly name: 'text'; readonly text: string }
  | { readonly name: 'doctor'; readonly json: boolean }
  | { readonly name: 'show'; readonly library: string; readonly json: boolean }
  | ComposeCommand
  | LegodnnCommand
  | ProfileCommand
  | VerifyCommand
  | RunCommand;

export interface RunCommand {
  readonly name: 'run';
  readonly config: string;
  /** `key.path=value`, with --engine and --seed translated, in the order in which they win. */
  readonly overrides: readonly string[];
  readonly runs: string;
  readonly plan: boolean;
  /** Run again from here on. */
  readonly from?: string;
  readonly only?: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

/**
 * Reads the command line; does nothing. Help and version come back as text.
 * @throws BlockForgeError `usage`
 */
export function parseArguments(argv: readonly string[], version: string, columns = 100): Command {
  let command: Command | undefined;
  const parser = describe(yargs([...argv]).scriptName('blockforge'), (parsed) => (command = parsed))
    .version(version)
    .help()
    .alias({ help: 'h', version: 'v' })
    .describe({ help: 'show this help', version: 'show the version' })
    .group(['help', 'version'], 'Other:')
    .strict()
    .locale('en')
    .wrap(Math.min(100, columns))
    .showHelpOnFail(false) // Making it costs more than all the rest, and nobody would see it.
    .exitProcess(false);
  let output = '';
  void parser.parse([...argv], {}, (error: Error | null | undefined, _args, text) => {
    if (error) refuse(error.message, optionNames(parser), argv[0]);
    output = text;
  });
  if (output !== '') return { name: 'text', text: output };
  if (command === undefined) throw new Error('the command line was neither refused nor understood');
  return command;
}

function describe(parser: Argv, found: (command: Command) => void): Argv {
  return parser
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'greedy-arrays': false,
    })
    .usage(
      'Prunes and distils the feed-forward blocks of a Vision Transformer into a ranked block library.\n\n' +
        'npm run pipeline -- --config demo.yaml\n' +
        'npm run pipeline -- show runs/demo',
    )
    .command(
      ['run [file]', '$0'],
      'run the pipeline; the same command resumes it',
      (builder) =>
        builder
          .positional('file', { type: 'string', describe: 'the same as --config' })
          .options({
            config: { type: 'string', alias: 'c', describe: 'YAML file; a bare name is found in configs/' },
            set: { type: 'string', array: true, describe: 'change one setting: key.path=value' },
            engine: { type: 'string', describe: `compute engine: ${engines.join(', ')}` },
            seed: { type: 'string', describe: 'seed of all random numbers' },
            plan: { type: 'boolean', default: false, describe: 'show what would run and why, run nothing' },
            from: { type: 'string', describe: 'run this stage and what depends on it again' },
            only: { type: 'string', describe: 'run this stage alone' },
            runs: { type: 'string', default: 'runs', describe: 'folder of the run folders' },
            quiet: { type: 'boolean', default: false, describe: 'failures and the final table only' },
            json: { type: 'boolean', default: false, describe: 'events as JSON lines, nothing else' },
          })
          .requiresArg(['config', 'set', 'engine', 'seed', 'from', 'only', 'runs'])
          .group(['config', 'set', 'engine', 'seed'], 'What to run:')
          .group(['plan', 'from', 'only', 'runs'], 'Which part of it:')
          .group(['quiet', 'json'], 'Output:')
          .epilog(
            `Stages: ${stageNames.join(', ')}.\n` +
              'Exit codes: 0 done; 1 a bug; 2 command line or config; 3 files or data; 4 engine or disk space; ' +
              '5 a job or a gate failed; 6 the run is locked; 130 interrupted.',
          )
          .example('$0 demo.yaml', 'the demo, about a minute')
          .example('$0 --config vit-b16.yaml --plan', 'what it would do, and what that costs')
          .example('$0 vit-b16 --set distill.duration.epochs=3', 'a shorter distillation')
          .example('$0 vit-b16 --from measure', 'measure again, and rank and export anew')
          .example('$0 show runs/demo', 'the table of a finished library'),
      (args) => found(runCommand(args)),
    )
    .command(
      'show <library>',
      'print the table of a library',
      (builder) =>
        builder
          .positional('library', {
            type: 'string',
            demandOption: true,
            describe: 'library folder or run folder',
          })
          .option('json', { type: 'boolean', default: false, describe: 'the same as JSON' }),
      ({ library, json }) => found({ name: 'show', library, json }),
    )
    .command(
      'doctor',
      'look this machine over: engines, processors, memory, and what would help',
      (builder) => builder.option('json', { type: 'boolean', default: false, describe: 'the same as JSON' }),
      ({ json }) => found({ name: 'doctor', json }),
    )
    .command(composeArguments(found))
    .command(verifyArguments(found))
    .command(profileArguments(found))
    .command(legodnnArguments(found));
}

interface RunArguments {
  readonly file?: string;
  readonly config?: string | string[];
  readonly set?: string[];
  readonly engine?: string | string[];
  readonly seed?: string | string[];
  readonly plan: boolean;
  readonly from?: string | string[];
  readonly only?: string | string[];
  readonly runs: string | string[];
  readonly quiet: boolean;
  readonly json: boolean;
}

function runCommand(args: RunArguments): RunCommand {
  const option = once('config', args.config);
  if (option !== undefined && args.file !== undefined) {
    fail({
      reason: 'usage',
      subject: args.file,
      found: `a second config beside --config ${option}`,
      expected: 'one',
    });
  }
  const config = option ?? args.file;
  if (config === undefined || config === '') {
    fail({
      reason: 'usage',
      subject: '--config',
      found: 'missing',
      expected: 'the YAML file to run, e.g. --config demo.yaml',
      next: seeHelp,
    });
  }
  const engine = oneOf('engine', once('engine', args.engine), engines);
  const seed = once('seed', args.seed);
  if (seed !== undefined && !(/^\d+$/.test(seed) && Number.isSafeInteger(Number(seed)))) {
    fail({
      reason: 'usage',
      subject: `--seed ${seed}`,
      found: 'not a seed',
      expected: 'a whole number from 0 up',
    });
  }
  const from = oneOf('from', once('from', args.from), stageNames);
  const only = oneOf('only', once('only', args.only), stageNames);
  return {
    name: 'run',
    config,
    overrides: [
      ...(args.set ?? []),
      ...(engine === undefined ? [] : [`engine=${engine}`]),
      ...(seed === undefined ? [] : [`seed=${seed}`]),
    ],
    runs: once('runs', args.runs) ?? 'runs',
    plan: args.plan,
    ...(from && { from }),
    ...(only && { only }),
    quiet: args.quiet,
    json: args.json,
  };
}

function optionNames(parser: Argv): string[] {
  const { alias, key } = (
    parser as unknown as { getOptions(): { alias: Record<string, string[]>; key: Record<string, unknown> } }
  ).getOptions();
  return [...Object.keys(key), ...Object.values(alias).flat()].filter((name) => name.length > 1);
}
