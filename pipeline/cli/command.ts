import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { Surroundings } from '../terminal/terminal.ts';
import type { NamedPlace } from '../util/system-failure.ts';

/** What a command takes; `Options` is what yargs makes of it, `Asked` what the command's code gets. */
export interface CommandArguments<Asked, Options> {
  /** As yargs writes it: the command's name, then what stands without a dash. A second one is an alias. */
  readonly usage: string | readonly string[];
  readonly describe: string;
  readonly options: (parser: Argv) => Argv<Options>;
  /** Does nothing but read. @throws BlockForgeError `usage` */
  readonly read: (options: Options) => Asked;
  /** The places it was told to use, by the option that names each: what the system refuses there is told with it. */
  readonly places?: (asked: Asked) => Readonly<Record<string, string | undefined>>;
}

/** Does what was asked. @returns the exit code */
export type Perform<Asked> = (asked: Asked, around: Surroundings) => Promise<number>;

/** A command line that was understood. */
export interface ParsedCommand {
  readonly name: string;
  readonly asked: unknown;
  readonly perform: (around: Surroundings) => Promise<number>;
  readonly places: (cwd: string) => readonly NamedPlace[];
}

export interface Command {
  readonly name: string;
  readonly options: (parser: Argv) => Argv<unknown>;
  /** Makes the command known to a parser, which calls `found` where it is given. */
  readonly addTo: (parser: Argv, found: (parsed: ParsedCommand) => void) => Argv;
}

/**
 * A command from what it takes and its code, which is loaded when it is asked for and not before, so that `--help` loads
 * none of it.
 */
export function command<Asked, Options>(
  { usage, describe, options, read, places = () => ({}) }: CommandArguments<Asked, Options>,
  load: () => Promise<Perform<Asked>>,
): Command {
  const [first] = [usage].flat();
  const name = first?.split(' ')[0] ?? '';
  return {
    name,
    options,
    addTo: (parser, found) =>
      parser.command<Options>({
        command: usage,
        describe,
        builder: options,
        handler(args) {
          // They are that: the parser's camel-case expansion is off.
          const asked = read(args as unknown as Options);
          found({
            name,
            asked,
            perform: async (around) => (await load())(asked, around),
            places: (cwd) =>
              Object.entries(places(asked)).flatMap(([option, path]) =>
                path === undefined ? [] : [{ option, path: resolve(cwd, path) }],
              ),
          });
        },
      }),
  };
}
