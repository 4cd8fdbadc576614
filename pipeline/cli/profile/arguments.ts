import type { CommandModule } from 'yargs';
import { fail } from '../../util/failure.ts';
import type { ProfileCommand } from './command.ts';
import { once, oneOf, wholeNumber } from '../options.ts';

type Text = string | string[];

interface Arguments {
  readonly library: string;
  readonly runtime: Text;
  readonly batch?: Text;
  readonly threads?: Text;
  readonly iterations?: Text;
  readonly name?: Text;
  readonly add?: Text;
  readonly list: boolean;
  readonly json: boolean;
}

const runtimes = ['onnxruntime', 'tfjs'] as const;

export const profileArguments = (
  found: (command: ProfileCommand) => void,
): CommandModule<object, Arguments> => ({
  command: 'profile <library>',
  describe: "measure a library's blocks and frame on this machine, or add what another measured",
  builder: (builder) =>
    builder
      .positional('library', { type: 'string', demandOption: true, describe: 'library folder or run folder' })
      .options({
        runtime: {
          type: 'string',
          default: 'onnxruntime',
          describe: `what runs the blocks: ${runtimes.join(', ')}`,
        },
        batch: { type: 'string', describe: 'batch sizes, default 1,8' },
        threads: { type: 'string', describe: 'threads of the runtime; default: all processors' },
        iterations: { type: 'string', describe: 'counted rounds, default 40' },
        name: { type: 'string', describe: 'of this device; default: made from its processor' },
        add: { type: 'string', describe: 'check a profile measured elsewhere and copy it into the library' },
        list: { type: 'boolean', default: false, describe: 'list the profiles of the library' },
        json: { type: 'boolean', default: false, describe: 'the same as JSON' },
      })
      .requiresArg(['runtime', 'batch', 'threads', 'iterations', 'name', 'add'])
      .group(['runtime', 'batch', 'threads', 'iterations', 'name'], 'Measuring:')
      .group(['add', 'list'], 'Profiles:')
      .epilog(
        'A profile is written to profiles/NAME.json in the library. Milliseconds are those of one batch; p50 and p90 of the ' +
          'counted rounds, in which the frame, every width and whole models take turns. Blocks of equal width have equal ' +
          'shapes, so they share a measurement; the last block sees the class token only and has one of its own.\n' +
          'On an edge device: copy the library there, npm install onnxruntime-node, node profile.mjs --name NAME, and bring ' +
          'profiles/NAME.json back for --add.',
      )
      .example('$0 profile runs/demo', 'measure this machine under ONNX Runtime')
      .example('$0 profile runs/demo --runtime tfjs --batch 1', "with the pipeline's own engine")
      .example('$0 profile runs/demo --add pi4.json', 'take in what a device measured')
      .example('$0 profile runs/demo --list', 'what is there'),
  handler: (args) => {
    const { library, list, json } = args;
    const text = (option: 'batch' | 'threads' | 'iterations' | 'name' | 'add') => once(option, args[option]);
    const add = text('add');
    if (add !== undefined && list)
      fail({ reason: 'usage', subject: '--list', found: 'given with --add', expected: 'one of them' });
    const measuring = (['batch', 'threads', 'iterations', 'name'] as const).find(
      (option) => args[option] !== undefined,
    );
    if ((add !== undefined || list) && measuring !== undefined) {
      fail({
        reason: 'usage',
        subject: `--${measuring}`,
        found: `given with --${list ? 'list' : 'add'}, which measures nothing`,
        expected: 'one of them',
      });
    }
    const threads = wholeNumber('threads', text('threads'));
    const iterations = wholeNumber('iterations', text('iterations'));
    const batch = text('batch')
      ?.split(',')
      .map((size) => wholeNumber('batch', size.trim())!);
    const name = text('name');
    found({
      name: 'profile',
      library,
      action:
        add !== undefined
          ? { kind: 'add', file: add }
          : list
            ? { kind: 'list' }
            : {
                kind: 'measure',
                runtime: oneOf('runtime', once('runtime', args.runtime), runtimes)!,
                ...(batch && { batchSizes: batch }),
                ...(threads !== undefined && { threads }),
                ...(iterations !== undefined && { iterations }),
                ...(name !== undefined && { device: name }),
              },
      json,
    });
  },
});
