import { libraryArgument } from '../../terminal/options.ts';
import type { CommandArguments } from '../command.ts';

export interface ShowCommand {
  /** Library folder or run folder. */
  readonly library: string;
  readonly json: boolean;
  /** All columns, whatever the width of the screen. */
  readonly wide: boolean;
}

export const showArguments: CommandArguments<ShowCommand, ShowCommand> = {
  usage: 'show <library>',
  describe: 'print the table of a library or of a deployment',
  options: (parser) =>
    parser
      .positional('library', {
        ...libraryArgument,
        describe: 'library folder or run folder, or a deployment',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the same as JSON' })
      .option('wide', {
        type: 'boolean',
        default: false,
        describe: 'all columns, whatever the width of the screen',
      }),
  read: ({ library, json, wide }) => ({ library, json, wide }),
  places: ({ library }) => ({ 'show DIR': library }),
};
