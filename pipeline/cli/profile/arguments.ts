import type { CommandArguments } from '../command.ts';
import { fail } from '../../util/failure.ts';
import { libraryArgument, once, oneOf, wholeNumber } from '../../terminal/options.ts';

export interface ProfileCommand {
  readonly library: string;
  readonly action: Measure | { readonly kind: 'add'; readonly file: string } | { readonly kind: 'list' };
  readonly json: boolean;
}

export interface Measure {
  readonly kind: 'measure';
  readonly runtime: 'onnxruntime' | 'tfjs';
  readonly batchSizes?: readonly number[] | undefined;
  readonly threads?: number | undefined;
  readonly iterations?: number | undefined;
  /** The profile's name. */
  readonly device?: string | undefined;
}

type Text = string | string[];

interface Options {
  readonly library: string;
  readonly runtime: Text;
  readonly batch?: Text | undefined;
  readonly threads?: Text | undefined;
  readonly iterations?: Text | undefined;
  readonly name?: Text | undefined;
  readonly add?: Text | undefined;
  readonly list: boolean;
  readonly json: boolean;
}

const runtimes = ['onnxruntime', 'tfjs'] as const;

export const profileArguments: CommandArguments<ProfileCommand, Options> = {
  usage: 'profile <library>',
  describe:
    "measure a library's parts or a device's sub-models on this machine, or add what another measured",
  options: (parser) =>
    parser
      .positional('library', {
        ...libraryArgument,
        describe: 'library folder, run folder, deployment or package of a device',
      })
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
          'shapes, so they share a measurement; the last block sees what the head reads and has one of its own.\n' +
          'On an edge device: copy the library there, npm install onnxruntime-node, node profile.mjs --name NAME, and bring ' +
          'profiles/NAME.json back for --add.\n' +
          'Of a deployment or a device: every sub-model with ONNX Runtime, one image at a time, and macsPerSecond, which ' +
          '`devices` in a config takes; the profile lies in profiles/ of the device.',
      )
      .example('$0 profile runs/demo', 'measure this machine under ONNX Runtime')
      .example('$0 profile runs/demo --runtime tfjs --batch 1', "with the pipeline's own engine")
      .example('$0 profile runs/demo --add pi4.json', 'take in what a device measured')
      .example('$0 profile runs/demo --list', 'what is there')
      .example('$0 profile devices/pi --threads 1', 'sub-models of a device'),
  read: profileCommand,
  places: ({ library, action }) => ({
    '--add FILE': action.kind === 'add' ? action.file : undefined,
    'profile DIR, a copy of the library': library,
  }),
};

function profileCommand(args: Options): ProfileCommand {
  const { library, list, json } = args;
  const add = once('add', args.add);
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
  const measure: Measure = {
    kind: 'measure',
    runtime: oneOf('runtime', once('runtime', args.runtime), runtimes) ?? 'onnxruntime',
    batchSizes: once('batch', args.batch)
      ?.split(',')
      .flatMap((size) => wholeNumber('batch', size.trim()) ?? []),
    threads: wholeNumber('threads', once('threads', args.threads)),
    iterations: wholeNumber('iterations', once('iterations', args.iterations)),
    device: once('name', args.name),
  };
  const action =
    add !== undefined ? ({ kind: 'add', file: add } as const) : list ? ({ kind: 'list' } as const) : measure;
  return { library, action, json };
}
