import type { CommandArguments } from '../command.ts';
import { libraryArgument, once, wholeNumber } from '../../terminal/options.ts';

export interface LegodnnCommand {
  readonly library: string;
  readonly out: string;
  readonly profile?: string | undefined;
  readonly batch?: number | undefined;
  readonly json: boolean;
}

type Text = string | string[];

interface Options {
  readonly library: string;
  readonly out: Text;
  readonly profile?: Text | undefined;
  readonly batch?: Text | undefined;
  readonly json: boolean;
}

export const legodnnArguments: CommandArguments<LegodnnCommand, Options> = {
  usage: 'legodnn <library>',
  describe: "write a library's numbers as the metric files of LegoDNN's optimiser",
  options: (parser) =>
    parser
      .positional('library', libraryArgument)
      .options({
        out: { type: 'string', demandOption: true, describe: 'folder to write to' },
        profile: {
          type: 'string',
          describe: "take latencies from this device profile; default: the library's own",
        },
        batch: { type: 'string', describe: 'batch size of the profile; default: its smallest' },
        json: { type: 'boolean', default: false, describe: 'what was written, as JSON' },
      })
      .requiresArg(['out', 'profile', 'batch'])
      .epilog(
        'Writes server-blocks-metrics.csv, edge-blocks-metrics.csv, server-teacher-model-metrics.yaml and ' +
          'edge-teacher-model-metrics.yaml, which its OptimalRuntime reads, and blockforge-origin.json, which says what ' +
          'each row is and which lists the block manager must give. Its block files (block-3-5.pt, model_frame.pt) are ' +
          'Python pickles of PyTorch modules and are not written: the optimiser needs a block manager that ' +
          "reads the library's safetensors instead.",
      )
      .example('$0 legodnn runs/demo --out legodnn', "with the library's own latencies")
      .example('$0 legodnn runs/demo --out legodnn --profile pi4', 'with those of a device'),
  read: ({ library, out, profile, batch, json }) => ({
    library,
    out: once('out', out),
    profile: once('profile', profile),
    batch: wholeNumber('batch', once('batch', batch)),
    json,
  }),
  places: ({ library, out, profile }) => ({
    '--out DIR': out,
    '--profile FILE': profile,
    'legodnn DIR': library,
  }),
};
