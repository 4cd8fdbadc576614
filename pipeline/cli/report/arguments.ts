import { once } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface ReportCommand {
  /** Run folders, or names of runs; one: its page, several: side by side. */
  readonly runs: readonly string[];
  /** Where named runs lie. */
  readonly among: string;
  /** Default: `report.html` in the run folder; of several `compared.html` where the command is given. */
  readonly out?: string | undefined;
  readonly json: boolean;
}

interface Options {
  readonly run: string[];
  readonly runs: string | string[];
  readonly out?: string | string[] | undefined;
  readonly json: boolean;
}

export const reportArguments: CommandArguments<ReportCommand, Options> = {
  usage: 'report <run..>',
  describe: 'write the report of a run, or of several side by side',
  options: (parser) =>
    parser
      .positional('run', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'run folders, their libraries, or names of runs',
      })
      .options({
        out: {
          type: 'string',
          describe: 'the file: default report.html in the run folder, compared.html of several',
        },
        runs: { type: 'string', default: 'runs', describe: 'folder of the run folders' },
        json: { type: 'boolean', default: false, describe: "print the page's data as JSON, write nothing" },
      })
      .requiresArg(['out', 'runs'])
      .example('$0 report demo', 'writes runs/demo/report.html')
      .example('$0 report demo other --out both.html', 'two runs side by side'),
  read: (options) => {
    const { run, runs, json } = options;
    const out = once('out', options.out);
    if (json && out !== undefined) {
      fail({
        reason: 'usage',
        subject: '--out',
        found: 'given together with --json, which writes no file',
        next: 'leave out one of them',
      });
    }
    return { runs: run.map(String), among: once('runs', runs), ...(out !== undefined && { out }), json };
  },
  places: ({ out }) => ({ '--out FILE': out }),
};
