import yargs, { type Argv } from 'yargs';
import { refuse } from '../terminal/options.ts';
import type { ParsedCommand } from './command.ts';
import { commands } from './commands.ts';

/** Help and version, which yargs writes and nothing performs. */
export interface ParsedText {
  readonly name: 'text';
  readonly text: string;
}

/**
 * Reads the command line; does nothing.
 * @throws BlockForgeError `usage`
 */
export function parseArguments(
  argv: readonly string[],
  version: string,
  columns = 100,
): ParsedCommand | ParsedText {
  let parsed: ParsedCommand | undefined;
  const parser = commands
    .reduce(
      (all, command) => command.addTo(all, (found) => (parsed = found)),
      describe(yargs([...argv]).scriptName('blockforge')),
    )
    .version(version)
    .help()
    .alias({ help: 'h', version: 'v' })
    .describe({ help: 'show this help', version: 'show the version' })
    .group(['help', 'version'], 'Other:')
    .strict()
    .locale('en')
    .wrap(Math.min(100, columns))
    .showHelpOnFail(false) // Making it costs more than all the rest, and nobody would see it.
    .exitProcess(false);
  makeNoHelpInAdvance(parser);
  // The parser stumbles over options that are called like what every object of JavaScript has.
  for (const word of argv) {
    const name = /^--?([^=]+)/.exec(word)?.[1];
    if (name !== undefined && name in {})
      refuse(`Unknown argument: ${name}`, { options: [], commands: [], command: argv[0] });
  }
  let output = '';
  void parser.parse([...argv], {}, (error: Error | null | undefined, _args, text) => {
    if (error) {
      const names = commands.map(({ name }) => name);
      refuse(error.message, { options: optionNames(parser), commands: names, command: argv[0] });
    }
    output = text;
  });
  if (output !== '') return { name: 'text', text: output };
  if (parsed === undefined) throw new Error('the command line was neither refused nor understood');
  return parsed;
}

function describe(parser: Argv): Argv {
  return parser
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'greedy-arrays': false,
    })
    .usage(
      'Prunes and distils the feed-forward blocks of a Vision Transformer into a ranked block library.\n\n' +
        'npm run pipeline -- --config demo.yaml\n' +
        'npm run pipeline -- show runs/demo',
    );
}

/** yargs makes the help after every command, should anybody ask for it later: 50 ms that nobody would see. */
function makeNoHelpInAdvance(parser: Argv): void {
  const { getUsageInstance } = (parser as unknown as YargsInside).getInternalMethods();
  getUsageInstance().cacheHelpMessage = () => undefined;
}

interface YargsInside {
  getInternalMethods(): { getUsageInstance: () => { cacheHelpMessage: () => void } };
}

function optionNames(parser: Argv): string[] {
  const { alias, key } = (
    parser as unknown as { getOptions(): { alias: Record<string, string[]>; key: Record<string, unknown> } }
  ).getOptions();
  return [...Object.keys(key), ...Object.values(alias).flat()].filter((name) => name.length > 1);
}
