import { once, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface DeployCommand {
  readonly deployment: string;
  readonly requests: number;
  readonly concurrency: number;
  readonly deadlineMs: number;
  readonly killEverySeconds?: number | undefined;
  readonly images?: string | undefined;
  readonly threads?: number | undefined;
  readonly json: boolean;
}

type Text = string | string[];

interface Options {
  readonly deployment: string;
  readonly local: boolean;
  readonly requests: Text;
  readonly concurrency: Text;
  readonly 'deadline-ms': Text;
  readonly 'kill-every'?: Text | undefined;
  readonly images?: Text | undefined;
  readonly threads?: Text | undefined;
  readonly json: boolean;
}

export const deployArguments: CommandArguments<DeployCommand, Options> = {
  usage: 'deploy <deployment>',
  describe: 'start all devices of a deployment on this machine and measure them together',
  options: (parser) =>
    parser
      .positional('deployment', { type: 'string', demandOption: true, describe: 'deployment folder' })
      .options({
        local: {
          type: 'boolean',
          default: false,
          describe: 'on this machine, each in a process: the only way so far',
        },
        requests: { type: 'string', default: '200', describe: 'images that are sent' },
        concurrency: { type: 'string', default: '1', describe: 'images that are under way at once' },
        'deadline-ms': { type: 'string', default: '200', describe: 'as for predict' },
        'kill-every': {
          type: 'string',
          describe: 'seconds after which a device, each in turn, is killed and started again',
        },
        images: { type: 'string', describe: "folder of image files; default: the packages' own test images" },
        threads: { type: 'string', describe: 'of each device; default: its share of the processors' },
        json: { type: 'boolean', default: false, describe: 'the same as JSON' },
      })
      .requiresArg(['requests', 'concurrency', 'deadline-ms', 'kill-every', 'images', 'threads'])
      .epilog('All devices share this machine, so their times together are longer than each by itself.')
      .example(
        '$0 deploy runs/demo/deployment-five --local --kill-every 5 --requests 5000',
        'does it survive?',
      ),
  read: deployCommand,
  places: ({ deployment, images }) => ({ 'deploy DIR': deployment, '--images DIR': images }),
};

function deployCommand(args: Options): DeployCommand {
  if (!args.local) {
    fail({
      reason: 'usage',
      subject: 'deploy',
      found: 'given without --local',
      expected: '--local, which starts the devices here',
      next: 'on devices: copy devices/NAME there, and npm run pipeline -- serve NAME',
    });
  }
  return {
    deployment: args.deployment,
    requests: wholeNumber('requests', once('requests', args.requests)) ?? 200,
    concurrency: wholeNumber('concurrency', once('concurrency', args.concurrency)) ?? 1,
    deadlineMs: wholeNumber('deadline-ms', once('deadline-ms', args['deadline-ms'])) ?? 200,
    killEverySeconds: wholeNumber('kill-every', once('kill-every', args['kill-every'])),
    images: once('images', args.images),
    threads: wholeNumber('threads', once('threads', args.threads)),
    json: args.json,
  };
}
