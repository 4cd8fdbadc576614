import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { parseArguments } from '../../pipeline/cli/arguments.ts';

export const root = join(import.meta.dirname, '..', '..');
export const examples = join(root, 'examples');

/** Paths of the examples, from their folder. */
export const exampleFiles = readdirSync(examples, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(examples.length + 1))
  .sort();

export const readExample = (path: string): string => readFileSync(join(examples, path), 'utf8');

/** The documents of a YAML file. @throws where it is not YAML */
export function readYaml(path: string): readonly unknown[] {
  return parseAllDocuments(readExample(path), { merge: true }).map((document) => {
    if ('errors' in document && document.errors[0] !== undefined) throw document.errors[0];
    return (document as { toJS(): unknown }).toJS();
  });
}

/** The name of the command that a line's words are. @throws BlockForgeError `usage`, as the program does */
export function commandOf(words: readonly string[]): string {
  return parseArguments(words, '0').name;
}
