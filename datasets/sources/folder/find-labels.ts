import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import { readLabelTable, type LabelTable } from './label-table.ts';
import { partOf, type PartName } from './names.ts';
import { below, type Tree } from './walk.ts';

const maxTableBytes = 128e6;
/** More in one folder are a text per image, as detectors' data have, and no tables of images. */
const maxTables = 20;

export interface FoundLabels {
  /** Path of the table below the root. */
  readonly path: string;
  readonly table: LabelTable;
}

/**
 * The table that says which class each of a part's images has: beside them, or in a folder above. A table named for another
 * part, and a sample of a submission, are passed over.
 * @param at folder of the images
 * @returns why each table that was looked at is not one, where none is
 * @throws BlockForgeError `data-invalid` where two tables say different things
 */
export function findLabels(
  root: string,
  tree: Tree,
  part: { readonly name: PartName | undefined; readonly at: string },
  images: readonly string[],
  known: ReadonlySet<string> | undefined,
): FoundLabels | { readonly refused: readonly string[] } {
  const refused: string[] = [];
  const found: FoundLabels[] = [];
  for (const path of candidates(tree, part.at)) {
    const about = path.slice(path.lastIndexOf('/') + 1);
    if (/submission/i.test(about)) continue;
    const named = about
      .split(/[^a-z]+/i)
      .map(partOf)
      .find((name) => name !== undefined);
    if (part.name !== undefined && named !== undefined && named !== part.name) continue;
    const table = readTable(join(root, path), images, known);
    if ('why' in table) refused.push(`${path}: ${table.why}`);
    else found.push({ path, table });
  }
  const [first, ...others] = found;
  if (first === undefined) return { refused };
  const other = others.find(({ table }) => !sameLabels(table, first.table));
  if (other !== undefined) {
    fail({
      reason: 'data-invalid',
      subject: `${join(root, first.path)} and ${join(root, other.path)}`,
      found: `both say which class an image of ${below(part.at, '')} has, and they differ`,
      expected: 'one table of labels',
      next: 'remove one of the two, or move it out of data.path',
    });
  }
  return first;
}

function* candidates(tree: Tree, at: string): Generator<string> {
  for (let folder = at; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const tables = tree.get(folder)?.tables ?? [];
    for (const name of tables.length > maxTables ? [] : tables) yield below(folder, name);
    if (folder === '') return;
  }
}

function readTable(
  path: string,
  images: readonly string[],
  known: ReadonlySet<string> | undefined,
): LabelTable | { readonly why: string } {
  try {
    const { size } = statSync(path);
    if (size > maxTableBytes) return { why: `larger than ${maxTableBytes / 1e6} MB` };
    return readLabelTable(readFileSync(path, 'utf8'), images, known);
  } catch (error) {
    return { why: (error as Error).message };
  }
}

function sameLabels(a: LabelTable, b: LabelTable): boolean {
  return (
    a.labels.size === b.labels.size && [...a.labels].every(([image, label]) => b.labels.get(image) === label)
  );
}
