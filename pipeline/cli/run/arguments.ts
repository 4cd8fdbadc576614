import { stagesOfMethods } from '../../stages/stages-of-methods.ts';
import { executorNames } from '../../config/executor-names.ts';
import { logFormatOption, logFormats, type LogFormat } from '../../terminal/choose-view.ts';
import { exitCodesLine } from '../../terminal/exit-codes.ts';
import { duration, once, oneOf, stopAfterOption, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';
import type { RunSource } from './prepare.ts';
import { readSource, sourcePlaces, withSource, type SourceOptions } from './source.ts';

export interface RunCommand extends RunSource {
  readonly plan: boolean;
  /** Run again from here on. */
  readonly from?: string | undefined;
  readonly only?: string | undefined;
  /** Run again what failed, and what was blocked by it. */
  readonly retryFailed?: boolean | undefined;
  /** Seconds until it saves and stops. */
  readonly stopAfter?: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
  /** Default: text. */
  readonly logFormat?: LogFormat | undefined;
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

interface Options extends SourceOptions {
  readonly plan: boolean;
  readonly from?: Text | undefined;
  readonly only?: Text | undefined;
  readonly 'retry-failed': boolean;
  readonly 'stop-after'?: Text | undefined;
  readonly executor?: Text | undefined;
  readonly slots?: Text | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly 'log-format': Text;
}

export const runArguments: CommandArguments<RunCommand, Options> = {
  usage: ['run [file]', '$0'],
  describe: 'run the pipeline; the same command resumes it',
  options: (parser) =>
    withSource(parser)
      .options({
        plan: { type: 'boolean', default: false, describe: 'show what would run and why, run nothing' },
        from: { type: 'string', describe: 'run this stage and what depends on it again' },
        only: { type: 'string', describe: 'run this stage alone' },
        'retry-failed': {
          type: 'boolean',
          default: false,
          describe: 'run only what failed before and what was blocked by it',
        },
        'stop-after': stopAfterOption,
        executor: { type: 'string', describe: `where jobs are done: ${executorNames.join(', ')}` },
        slots: { type: 'string', describe: 'jobs at once' },
        quiet: { type: 'boolean', default: false, describe: 'failures and the final table only' },
        json: { type: 'boolean', default: false, describe: 'events as JSON lines, nothing else' },
        'log-format': logFormatOption,
      })
      .requiresArg(['from', 'only', 'stop-after', 'log-format', 'executor', 'slots'])
      .group(['plan', 'from', 'only', 'retry-failed', 'stop-after', 'runs'], 'Which part of it:')
      .group(['executor', 'slots'], 'Where it is done:')
      .group(['quiet', 'json', 'log-format'], 'Output:')
      .epilog(`${stageLines.join('\n')}\n` + exitCodesLine)
      .example('$0 demo.yaml', 'the demo, about a minute')
      .example('$0 --config vit-b16.yaml --plan', 'what it would do, and what that costs')
      .example('$0 vit-b16 --set distill.duration.epochs=3', 'a shorter distillation')
      .example('$0 vit-b16 --from measure', 'measure again, and rank and export anew')
      .example('$0 show runs/demo', 'the table of a finished library'),
  read: runCommand,
  places: sourcePlaces,
};

function runCommand(args: Options): RunCommand {
  const selection = readSelection(args);
  const { from, only } = selection;
  if (args['retry-failed'] && (from ?? only) !== undefined) {
    fail({
      reason: 'usage',
      subject: '--retry-failed',
      found: `given together with --${from === undefined ? 'only' : 'from'}`,
      expected: 'it alone: what failed names the jobs to run',
    });
  }
  const source = readSource(args);
  const executor = oneOf('executor', once('executor', args.executor), executorNames);
  const slots = wholeNumber('slots', once('slots', args.slots));
  return {
    ...source,
    overrides: [
      ...source.overrides,
      ...(executor === undefined ? [] : [`executor.type=${executor}`]),
      ...(slots === undefined ? [] : [`executor.slots=${slots}`]),
    ],
    plan: args.plan,
    ...selection,
    ...(args['retry-failed'] && { retryFailed: true }),
    stopAfter: duration('stop-after', once('stop-after', args['stop-after'])),
    quiet: args.quiet,
    json: args.json,
    ...readLogFormat(args['log-format']),
  };
}

/** `--log-format`; the default is left out. @throws BlockForgeError `usage` */
export function readLogFormat(given: Text): { readonly logFormat?: LogFormat } {
  const logFormat = oneOf('log-format', once('log-format', given), logFormats, 'format');
  return logFormat === undefined || logFormat === 'text' ? {} : { logFormat };
}

/** `--from` and `--only`. @throws BlockForgeError `usage` */
export function readSelection(args: Pick<Options, 'from' | 'only'>): Pick<RunCommand, 'from' | 'only'> {
  return {
    from: stageOf('from', once('from', args.from)),
    only: stageOf('only', once('only', args.only)),
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
