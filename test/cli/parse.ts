import { parseArguments } from '../../pipeline/cli/arguments.ts';

/** The command's name with all that was given; what was not is left out. */
export function parseWords(words: readonly string[]): Readonly<Record<string, unknown>> {
  const parsed = parseArguments(words, '1.2.3');
  if (!('asked' in parsed)) return { ...parsed };
  return { name: parsed.name, ...(JSON.parse(JSON.stringify(parsed.asked)) as object) };
}

export const parseLine = (line: string) => parseWords(line.split(' ').filter(Boolean));
