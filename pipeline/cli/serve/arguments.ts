import { defaultLimits, type ServingLimits } from '../../serving/serving-limits.ts';
import { parseAddress, type Address } from '../../serving/address.ts';
import { once, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface ServeCommand {
  readonly package: string;
  readonly listen: Address;
  readonly threads?: number | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly tokenFile?: string | undefined;
  readonly limits: ServingLimits;
  readonly json: boolean;
}

type Text = string | string[];

interface Options {
  readonly package: string;
  readonly listen: Text;
  readonly threads?: Text | undefined;
  readonly 'tls-cert'?: Text | undefined;
  readonly 'tls-key'?: Text | undefined;
  readonly 'token-file'?: Text | undefined;
  readonly 'max-message-kib'?: Text | undefined;
  readonly 'max-pixels'?: Text | undefined;
  readonly 'max-running'?: Text | undefined;
  readonly 'max-waiting'?: Text | undefined;
  readonly json: boolean;
}

const valued = [
  'listen',
  'threads',
  'tls-cert',
  'tls-key',
  'token-file',
  'max-message-kib',
  'max-pixels',
  'max-running',
  'max-waiting',
] as const;

export const serveArguments: CommandArguments<ServeCommand, Options> = {
  usage: 'serve <package>',
  describe: "serve a device's sub-models: images in, feature vectors out",
  options: (parser) =>
    parser
      .positional('package', {
        type: 'string',
        demandOption: true,
        describe: "a device's folder of a deployment",
      })
      .options({
        listen: {
          type: 'string',
          default: '127.0.0.1:50051',
          describe: 'HOST:PORT; port 0 picks a free one',
        },
        threads: { type: 'string', describe: 'threads of a sub-model; default: all processors' },
        'tls-cert': { type: 'string', describe: 'certificate, PEM' },
        'tls-key': { type: 'string', describe: 'its key, PEM' },
        'token-file': { type: 'string', describe: 'who asks must know the word in this file' },
        'max-message-kib': {
          type: 'string',
          describe: `of a request, default ${defaultLimits.maxMessageBytes / 1024}`,
        },
        'max-pixels': { type: 'string', describe: `of a picture, default ${defaultLimits.maxPixels}` },
        'max-running': { type: 'string', describe: `images at once, default ${defaultLimits.maxRunning}` },
        'max-waiting': { type: 'string', describe: `images that wait, default ${defaultLimits.maxWaiting}` },
        json: { type: 'boolean', default: false, describe: 'the line that says where it serves as JSON' },
      })
      .requiresArg([...valued])
      .group(['tls-cert', 'tls-key', 'token-file'], 'Who may ask:')
      .group(['max-message-kib', 'max-pixels', 'max-running', 'max-waiting'], 'Bounds:')
      .epilog(
        'The package is checked (hashes, self-test) before anything listens. gRPC: docs/serving.md. SIGTERM or Ctrl-C: takes ' +
          'nothing new, answers what it has taken, ends.',
      )
      .example(
        '$0 serve deployment/devices/pi-kitchen --listen 0.0.0.0:50051 --token-file token',
        'on the device',
      ),
  read: serveCommand,
  places: ({ package: folder, tls, tokenFile }) => ({
    'serve DIR': folder,
    '--tls-cert FILE': tls?.cert,
    '--tls-key FILE': tls?.key,
    '--token-file FILE': tokenFile,
  }),
};

function serveCommand(args: Options): ServeCommand {
  const [cert, key] = [once('tls-cert', args['tls-cert']), once('tls-key', args['tls-key'])];
  if ((cert === undefined) !== (key === undefined)) {
    fail({
      reason: 'usage',
      subject: cert === undefined ? '--tls-key' : '--tls-cert',
      found: `given without ${cert === undefined ? '--tls-cert' : '--tls-key'}`,
      expected: 'both',
    });
  }
  const count = (option: (typeof valued)[number], least = 1): number | undefined =>
    wholeNumber(option, once(option, args[option]), least);
  const kibibytes = count('max-message-kib');
  return {
    package: args.package,
    listen: parseAddress('listen', once('listen', args.listen), 0),
    threads: count('threads'),
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
    tokenFile: once('token-file', args['token-file']),
    limits: {
      maxMessageBytes: kibibytes === undefined ? defaultLimits.maxMessageBytes : 1024 * kibibytes,
      maxPixels: count('max-pixels') ?? defaultLimits.maxPixels,
      maxRunning: count('max-running') ?? defaultLimits.maxRunning,
      maxWaiting: count('max-waiting', 0) ?? defaultLimits.maxWaiting,
    },
    json: args.json,
  };
}
