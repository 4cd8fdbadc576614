import { libraryArgument, once, wholeNumber } from '../../terminal/options.ts';
import { fail } from '../../util/failure.ts';
import type { CommandArguments } from '../command.ts';

export interface DemoCommand {
  readonly library: string;
  /** Default: `demo` in the run folder, or beside the library. */
  readonly out?: string | undefined;
  readonly images: number;
  /** The port; undefined: nothing is served. */
  readonly serve?: number | undefined;
}

type Text = string | string[];

interface Options {
  readonly library: string;
  readonly out?: Text | undefined;
  readonly images?: Text | undefined;
  readonly serve: boolean;
  readonly port?: Text | undefined;
}

const defaultImages = 100;

export const demoArguments: CommandArguments<DemoCommand, Options> = {
  usage: 'demo <library>',
  describe: 'make a page that runs a library in a browser and changes its widths while it runs',
  options: (parser) =>
    parser
      .positional('library', libraryArgument)
      .options({
        out: { type: 'string', describe: 'folder to write to; default: demo/ in the run folder' },
        images: {
          type: 'string',
          describe: `images of the selection split to put into it, default ${defaultImages}; 0: none`,
        },
        serve: { type: 'boolean', default: false, describe: 'serve it on this machine until Ctrl-C' },
        port: { type: 'string', describe: 'to serve on; default: a free one' },
      })
      .requiresArg(['out', 'images', 'port'])
      .epilog(
        'The folder needs nothing else and goes to any file host. It holds the weights of the whole library, as hard links ' +
          'where it lies on the same file system; a browser fetches those that it uses. Opened as a file it cannot fetch ' +
          'anything: docs/demo.md.',
      )
      .example('$0 demo runs/demo --serve', 'make it and look at it'),
  read: demoCommand,
  places: ({ library, out }) => ({ '--out DIR': out, 'demo DIR': library }),
};

function demoCommand({ library, out, images, serve, port }: Options): DemoCommand {
  const asked = wholeNumber('port', once('port', port), 0);
  if (asked !== undefined && !serve)
    fail({ reason: 'usage', subject: '--port', found: 'given without --serve', expected: 'both' });
  if (asked !== undefined && asked > 65_535)
    fail({ reason: 'usage', subject: `--port ${asked}`, found: 'no port', expected: '0 to 65535' });
  return {
    library,
    out: once('out', out),
    images: wholeNumber('images', once('images', images), 0) ?? defaultImages,
    serve: serve ? (asked ?? 0) : undefined,
  };
}
