import { duration, once } from '../../terminal/options.ts';
import type { CommandArguments } from '../command.ts';

export interface StatusCommand {
  /** A run folder, or its name below `runs`. */
  readonly run: string;
  readonly runs: string;
  readonly json: boolean;
  readonly watch: boolean;
  /** Seconds between two looks. */
  readonly every: number;
  /** The exit code tells how the run stands. */
  readonly check: boolean;
}

interface Options {
  readonly run: string;
  readonly runs: string | string[];
  readonly json: boolean;
  readonly watch: boolean;
  readonly every: string | string[];
  readonly check: boolean;
}

export const statusArguments: CommandArguments<StatusCommand, Options> = {
  usage: 'status <run>',
  describe: 'how a run stands: from another terminal, or another machine that sees its folder',
  options: (parser) =>
    parser
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, or its name below runs/',
      })
      .options({
        runs: { type: 'string', default: 'runs', describe: 'folder of the run folders' },
        json: { type: 'boolean', default: false, describe: 'the same as JSON' },
        watch: { type: 'boolean', default: false, describe: 'look again and again until the run ends' },
        every: { type: 'string', default: '2s', describe: 'how often --watch looks' },
        check: { type: 'boolean', default: false, describe: 'tell by the exit code, for cron and scripts' },
      })
      .requiresArg(['runs', 'every'])
      .epilog(
        'Exit codes: 0. With --check: 0 at work or finished; 5 something failed; 75 work is left and nobody is at work: ' +
          'the command of the run goes on.',
      )
      .example('$0 status demo --watch', 'until the run has ended')
      .example('$0 status runs/demo --check || ...', 'something is to be done'),
  read: ({ run, runs, json, watch, every, check }) => ({
    run,
    runs: once('runs', runs),
    json,
    watch,
    every: duration('every', once('every', every)) ?? 2,
    check,
  }),
  places: ({ run }) => ({ 'status RUN': run }),
};
