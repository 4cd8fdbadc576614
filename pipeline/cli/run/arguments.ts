import { homedir } from 'node:os';
import { join } from 'node:path';
import { stagesOfMethods } from '../../stages/stages-of-methods.ts';
import { engineChoices } from '../../tensor/installed.ts';
import { once, oneOf, seeHelp } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface RunCommand {
  readonly config: string;
  /** `key.path=value`, with --engine and --seed translated, in the order in which they win. */
  readonly overrides: readonly string[];
  readonly runs: string;
  readonly plan: boolean;
  /** Run again from here on. */
  readonly from?: string | undefined;
  readonly only?: string | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** A line for each method: another one has other stages. */
const stageLines = Object.entries(stagesOfMethods).map(([method, stages], _, { length }) => {
  const names = stages.map(({ name }) => name).join(', ');
  return length === 1 ? `Stages: ${names}.` : `Stages of method ${method}: ${names}.`;
});

/** What stages were called in earlier versions. */
const formerNames: Readonly<Record<string, string>> = { compose: 'compositions' };

const stageNames = [
  ...new Set(Object.values(stagesOfMethods).flatMap((stages) => stages.map(({ name }) => name))),
];

type Text = string | string[];

interface Options {
  readonly file?: string | undefined;
  readonly config?: Text | undefined;
  readonly set?: string[] | undefined;
  readonly engine?: Text | undefined;
  readonly seed?: Text | undefined;
  readonly plan: boolean;
  readonly from?: Text | undefined;
  readonly only?: Text | undefined;
  readonly runs: Text;
  readonly quiet: boolean;
  readonly json: boolean;
}

export const runArguments: CommandArguments<RunCommand, Options> = {
  usage: ['run [file]', '$0'],
  describe: 'run the pipeline; the same command resumes it',
  options: (parser) =>
    parser
      .positional('file', { type: 'string', describe: 'the same as --config' })
      .options({
        config: { type: 'string', alias: 'c', describe: 'YAML file; a bare name is found in configs/' },
        set: { type: 'string', array: true, describe: 'change one setting: key.path=value' },
        engine: { type: 'string', describe: `compute engine: ${engineChoices.join(', ')}` },
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
        `${stageLines.join('\n')}\n` +
          'Exit codes: 0 done; 1 a bug; 2 command line or config; 3 files or data; 4 engine or disk space; ' +
          '5 a job or a gate failed; 6 the run is locked; 130 interrupted.',
      )
      .example('$0 demo.yaml', 'the demo, about a minute')
      .example('$0 --config vit-b16.yaml --plan', 'what it would do, and what that costs')
      .example('$0 vit-b16 --set distill.duration.epochs=3', 'a shorter distillation')
      .example('$0 vit-b16 --from measure', 'measure again, and rank and export anew')
      .example('$0 show runs/demo', 'the table of a finished library'),
  read: runCommand,
  places: ({ runs, config }) => ({
    '--runs DIR': runs,
    '--config FILE': config,
    'BLOCKFORGE_CACHE=DIR': process.env.BLOCKFORGE_CACHE || join(homedir(), '.cache', 'blockforge'),
  }),
};

function runCommand(args: Options): RunCommand {
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
  const engine = oneOf('engine', once('engine', args.engine), engineChoices);
  const seed = once('seed', args.seed);
  if (seed !== undefined && !(/^\d+$/.test(seed) && Number.isSafeInteger(Number(seed)))) {
    fail({
      reason: 'usage',
      subject: `--seed ${seed}`,
      found: 'not a seed',
      expected: 'a whole number from 0 up',
    });
  }
  const from = stageOf('from', once('from', args.from));
  const only = stageOf('only', once('only', args.only));
  return {
    config,
    overrides: [
      ...(args.set ?? []),
      ...(engine === undefined ? [] : [`engine=${engine}`]),
      ...(seed === undefined ? [] : [`seed=${seed}`]),
    ],
    runs: once('runs', args.runs),
    plan: args.plan,
    from,
    only,
    quiet: args.quiet,
    json: args.json,
  };
}

function stageOf(option: 'from' | 'only', given: string | undefined): string | undefined {
  const now = given !== undefined && Object.hasOwn(formerNames, given) ? formerNames[given] : undefined;
  if (now !== undefined && given !== undefined && !stageNames.includes(given)) {
    fail({
      reason: 'usage',
      subject: `--${option} ${given}`,
      found: `the stage is called ${now} now`,
      next: `--${option} ${now}`,
    });
  }
  return oneOf(option, given, stageNames, 'stage');
}
