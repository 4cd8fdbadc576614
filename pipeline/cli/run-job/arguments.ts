import type { Argv } from 'yargs';
import { logFormatOption, type LogFormat } from '../../terminal/choose-view.ts';
import { duration, once, stopAfterOption, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';
import { readLogFormat } from '../run/arguments.ts';
import type { RunSource } from '../run/prepare.ts';
import { readSource, sourceOptions, sourcePlaces, type SourceOptions } from '../run/source.ts';

/** Which job of a run is meant: by its id, or by its place in a group of the plan. */
export type JobChoice =
  | { readonly id: string }
  | { readonly group: string; readonly index: number; readonly planId?: string | undefined };

export interface RunJobCommand extends RunSource {
  readonly job: JobChoice;
  /** Seconds. */
  readonly stopAfter?: number | undefined;
  readonly json: boolean;
  /** Default: text. */
  readonly logFormat?: LogFormat | undefined;
}

type Text = string | string[];

interface Options extends SourceOptions {
  readonly job?: string | undefined;
  readonly group?: Text | undefined;
  readonly index?: Text | undefined;
  readonly 'plan-id'?: Text | undefined;
  readonly 'stop-after'?: Text | undefined;
  readonly json: boolean;
  readonly 'log-format': Text;
}

export const runJobArguments: CommandArguments<RunJobCommand, Options> = {
  usage: 'run-job [job]',
  describe: 'do one job of a run, for schedulers: many may be at work in one run folder',
  options: (parser): Argv<Options> =>
    parser
      .positional('job', { type: 'string', describe: 'e.g. distill/shard-0' })
      .options({
        ...sourceOptions,
        group: { type: 'string', describe: 'instead of a job: a group of the plan, e.g. distill.0' },
        index: { type: 'string', describe: 'which job of that group, from 0' },
        'plan-id': { type: 'string', describe: 'refuse where the plan has other groups than this one had' },
        'stop-after': stopAfterOption,
        json: { type: 'boolean', default: false, describe: 'events as JSON lines, nothing else' },
        'log-format': logFormatOption,
      })
      .requiresArg(['config', 'set', 'engine', 'seed', 'runs'])
      .requiresArg(['group', 'index', 'plan-id', 'stop-after', 'log-format'])
      .group(['group', 'index', 'plan-id'], 'Which job:')
      .group(['config', 'set', 'engine', 'seed', 'runs'], 'Of which run:')
      .group(['stop-after', 'json', 'log-format'], 'How:')
      .epilog(
        'What the job needs has to be up to date in the run folder. "plan --json" lists jobs and groups;\n' +
          '"plan --format slurm | kubernetes | make" writes what calls this command for all of them.\n' +
          'Exit codes: 0 done, now or before; 75 stopped with work left: the same command goes on; 5 it failed, or what it ' +
          'needs is not there; 6 a run is at work in the folder; others as of "run".',
      )
      .example('$0 run-job distill/shard-0 --config demo.yaml', 'one job')
      .example('$0 run-job --group order.0 --index 3 --config demo.yaml', 'one of an array'),
  read(args) {
    return {
      ...readSource(args),
      job: readChoice(args),
      stopAfter: duration('stop-after', once('stop-after', args['stop-after'])),
      json: args.json,
      ...readLogFormat(args['log-format']),
    };
  },
  places: sourcePlaces,
};

function readChoice(args: Options): JobChoice {
  const group = once('group', args.group);
  const index = wholeNumber('index', once('index', args.index), 0);
  const planId = once('plan-id', args['plan-id']);
  if (args.job !== undefined && args.job !== '') {
    if (group === undefined && index === undefined) return { id: args.job };
    fail({
      reason: 'usage',
      subject: args.job,
      found: 'a job beside --group or --index',
      expected: 'either',
    });
  }
  if (group !== undefined && index !== undefined) return { group, index, planId };
  return fail({
    reason: 'usage',
    subject: 'run-job',
    found: group === undefined && index === undefined ? 'no job named' : 'one of --group and --index alone',
    expected: 'a job, e.g. run-job distill/shard-0, or both --group order.0 and --index 3',
  });
}
