import type { CommandModule } from 'yargs';
import type { LegodnnCommand } from './command.ts';
import { once, wholeNumber } from '../options.ts';

interface Arguments {
  readonly library: string;
  readonly out: string | string[];
  readonly profile?: string | string[];
  readonly batch?: string | string[];
  readonly json: boolean;
}

export const legodnnArguments = (
  found: (command: LegodnnCommand) => void,
): CommandModule<object, Arguments> => ({
  command: 'legodnn <library>',
  describe: "write a library's numbers as the metric files of LegoDNN's optimiser",
  builder: (builder) =>
    builder
      .positional('library', { type: 'string', demandOption: true, describe: 'library folder or run folder' })
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
  handler: ({ library, out, profile, batch, json }) => {
    const name = once('profile', profile);
    const size = wholeNumber('batch', once('batch', batch));
    found({
      name: 'legodnn',
      library,
      out: once('out', out)!,
      ...(name !== undefined && { profile: name }),
      ...(size !== undefined && { batch: size }),
      json,
    });
  },
});
