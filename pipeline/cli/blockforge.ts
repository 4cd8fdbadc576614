import { parseArguments } from './arguments.ts';
import { errorFormatOf, reportError } from '../terminal/report-error.ts';
import type { Surroundings } from '../terminal/terminal.ts';
import type { NamedPlace } from '../util/system-failure.ts';

/**
 * The command line as a function: parses, performs, and tells what stopped it. Never throws.
 * @param argv what follows the program's name
 * @param columns of the screen, for the help
 * @returns the exit code
 */
export async function blockforge(
  argv: readonly string[],
  around: Surroundings,
  version: string,
  columns?: number,
): Promise<number> {
  let places: readonly NamedPlace[] = [];
  try {
    const parsed = parseArguments(argv, version, columns);
    if (!('perform' in parsed)) {
      around.stdout.write(`${parsed.text}\n`);
      return 0;
    }
    places = parsed.places(around.cwd);
    return await parsed.perform(around);
  } catch (error) {
    return reportError(error, around.stderr, errorFormatOf(argv), places);
  }
}
