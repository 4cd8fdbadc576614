import { libraryArgument } from '../../terminal/options.ts';
import type { CommandArguments } from '../command.ts';

export interface ShowCommand {
  /** Library folder or run folder. */
  readonly library: string;
  readonly json: boolean;
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
      .option('json', { type: 'boolean', default: false, describe: 'the same as JSON' }),
  read: ({ library, json }) => ({ library, json }),
  places: ({ library }) => ({ 'show DIR': library }),
};
