import type { Argv } from 'yargs';

/** What a bench was asked for; undefined after printing help. `refuse` throws, with what is wrong. */
export async function parseOptions<Options>(
  parser: Argv<Options>,
  argv: readonly string[],
  refuse: (found: string) => never,
): Promise<Options | undefined> {
  let asked = true as boolean;
  const args = await parser
    .strict()
    .version(false)
    .exitProcess(false)
    .fail((message: string | null, error) => refuse(message ?? error.message))
    .parseAsync([...argv], {}, (_error, _args, output) => {
      if (output === '') return;
      console.log(output);
      asked = false;
    });
  // What yargs adds, camelCase among it, is not asked for.
  return asked ? (args as Options) : undefined;
}
