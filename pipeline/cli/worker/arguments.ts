import { engineChoices, type EngineChoice } from '../../tensor/installed.ts';
import { logFormatOption, type LogFormat } from '../../terminal/choose-view.ts';
import { once, oneOf, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';
import { readLogFormat } from '../run/arguments.ts';

export interface WorkerCommand {
  /** `redis://...`; may hold a password. */
  readonly queue: string;
  readonly name: string;
  /** Folder of the run folders, as it is seen from here. */
  readonly runs: string;
  /** Jobs at once. Default: as many as the engine fills this machine with. */
  readonly slots?: number | undefined;
  readonly engine: EngineChoice;
  /** End when nothing is left in the queue. */
  readonly untilEmpty: boolean;
  readonly json: boolean;
  /** Default: text. */
  readonly logFormat?: LogFormat | undefined;
}

type Text = string | string[];

interface Options {
  readonly queue?: Text | undefined;
  readonly name: Text;
  readonly runs: Text;
  readonly slots?: Text | undefined;
  readonly engine?: Text | undefined;
  readonly 'until-empty': boolean;
  readonly json: boolean;
  readonly 'log-format': Text;
}

export const workerArguments: CommandArguments<WorkerCommand, Options> = {
  usage: 'worker',
  describe: 'do the jobs of runs on other machines, from a queue on Redis or Valkey',
  options: (parser) =>
    parser
      .options({
        queue: {
          type: 'string',
          describe: 'redis://[user:password@]host[:port][/database] or rediss://; default: BLOCKFORGE_QUEUE',
        },
        name: { type: 'string', default: 'blockforge', describe: 'of several queues on one server' },
        runs: { type: 'string', default: 'runs', describe: 'where the run folders are on this machine' },
        slots: { type: 'string', describe: 'jobs at once; default: what fills this machine' },
        engine: { type: 'string', describe: `compute engine: ${engineChoices.join(', ')}` },
        'until-empty': { type: 'boolean', default: false, describe: 'end when no job is left' },
        json: { type: 'boolean', default: false, describe: 'what happens as JSON lines' },
        'log-format': logFormatOption,
      })
      .requiresArg(['queue', 'name', 'runs', 'slots', 'engine', 'log-format'])
      .group(['queue', 'name', 'runs'], 'Where the work is:')
      .group(['slots', 'engine', 'until-empty'], 'How it is done:')
      .group(['json', 'log-format'], 'Output:')
      .epilog(
        'Exit codes: 0 done (--until-empty); 3 the queue or the run folders cannot be reached; 4 not the version or the ' +
          'engine of a run; 75 stopped, its jobs are back in the queue; 130 the same by Ctrl-C. docs/queue.md tells the rest.',
      )
      .example('$0 worker --queue redis://10.0.0.5 --runs /mnt/runs', 'work for whoever queues there')
      .example('BLOCKFORGE_QUEUE=redis://:secret@10.0.0.5 $0 worker', 'no password in the list of processes'),
  read: (args) => ({
    queue: queueOf(once('queue', args.queue)),
    name: queueName(once('name', args.name)),
    runs: once('runs', args.runs),
    slots: wholeNumber('slots', once('slots', args.slots)),
    engine: oneOf('engine', once('engine', args.engine), engineChoices) ?? 'auto',
    untilEmpty: args['until-empty'],
    json: args.json,
    ...readLogFormat(args['log-format']),
  }),
  places: ({ runs }) => ({ '--runs DIR': runs }),
};

function queueOf(given: string | undefined): string {
  return (
    given ??
    (process.env.BLOCKFORGE_QUEUE ||
      fail({
        reason: 'usage',
        subject: '--queue',
        found: 'missing',
        expected:
          'where the queue is, e.g. --queue redis://127.0.0.1:6379, or BLOCKFORGE_QUEUE in the environment',
      }))
  );
}

function queueName(given: string): string {
  if (/^[\w.-]+$/.test(given)) return given;
  return fail({
    reason: 'usage',
    subject: `--name ${given}`,
    found: 'not a name of a queue',
    expected: 'letters, digits, dots, dashes',
  });
}
