import { parseAddress, type Address } from '../../serving/address.ts';
import { once, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface PredictCommand {
  readonly deployment: string;
  readonly images: readonly string[];
  readonly devices: ReadonlyMap<string, Address>;
  readonly deadlineMs: number;
  readonly top: number;
  readonly ca?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly json: boolean;
}

type Text = string | string[];

interface Options {
  readonly deployment: string;
  readonly images: readonly string[];
  readonly devices: Text;
  readonly 'deadline-ms': Text;
  readonly top: Text;
  readonly 'tls-ca'?: Text | undefined;
  readonly 'token-file'?: Text | undefined;
  readonly json: boolean;
}

export const predictArguments: CommandArguments<PredictCommand, Options> = {
  usage: 'predict <deployment> <images..>',
  describe: 'ask the devices of a deployment for the classes of images',
  options: (parser) =>
    parser
      .positional('deployment', {
        type: 'string',
        demandOption: true,
        describe: 'deployment folder, or its folder coordinator/',
      })
      .positional('images', { type: 'string', array: true, demandOption: true, describe: 'image files' })
      .options({
        devices: { type: 'string', demandOption: true, describe: 'where they serve: NAME=HOST:PORT,...' },
        'deadline-ms': {
          type: 'string',
          default: '200',
          describe: 'after so many milliseconds the answer is made of what has come',
        },
        top: { type: 'string', default: '3', describe: 'how many classes are shown' },
        'tls-ca': { type: 'string', describe: "who signed the devices' certificates, PEM" },
        'token-file': { type: 'string', describe: 'the word that the devices want to hear' },
        json: { type: 'boolean', default: false, describe: 'one JSON object a line for each image' },
      })
      .requiresArg(['devices', 'deadline-ms', 'top', 'tls-ca', 'token-file'])
      .epilog(
        'Devices that are late, dead or left out are missing from the answer, which says so; one is enough.\n' +
          'Exit codes: 0 every image was answered; 4 no device can be used; others as for run.',
      )
      .example(
        '$0 predict deployment photo.jpg --devices a=10.0.0.2:50051,b=10.0.0.3:50051',
        'with two devices',
      ),
  read: predictCommand,
  places: ({ deployment, ca, tokenFile }) => ({
    'predict DIR': deployment,
    '--tls-ca FILE': ca,
    '--token-file FILE': tokenFile,
  }),
};

function predictCommand(args: Options): PredictCommand {
  return {
    deployment: args.deployment,
    images: args.images.map(String),
    devices: readDevices(once('devices', args.devices)),
    deadlineMs: wholeNumber('deadline-ms', once('deadline-ms', args['deadline-ms'])) ?? 200,
    top: wholeNumber('top', once('top', args.top)) ?? 3,
    ca: once('tls-ca', args['tls-ca']),
    tokenFile: once('token-file', args['token-file']),
    json: args.json,
  };
}

/** @throws BlockForgeError `usage` */
function readDevices(text: string): ReadonlyMap<string, Address> {
  const devices = new Map<string, Address>();
  for (const part of text.split(',')) {
    const [, name, address] = /^\s*([^=\s]+)=(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined || address === undefined || devices.has(name)) {
      return fail({
        reason: 'usage',
        subject: `--devices ${text}`,
        found: name === undefined ? `${JSON.stringify(part)} is no device` : `${name} twice`,
        expected: 'NAME=HOST:PORT,...',
      });
    }
    devices.set(name, parseAddress('devices', address));
  }
  return devices;
}
