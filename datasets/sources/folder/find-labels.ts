import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import { readLabelTable, type LabelTable, type NoLabelTable, type TableReading } from './label-table.ts';
import { endingOf } from './names.ts';
import { parseTable } from './parse-table.ts';
import { partLike, type PartName } from './part-names.ts';
import { below, type Tree } from './walk.ts';

const maxTableBytes = 128e6;
/** More of a kind in one folder are a text per image, as detectors' data have, and no tables of images. */
const maxTables = 20;

export interface FoundLabels {
  /** Path of the table below the root. */
  readonly path: string;
  readonly table: LabelTable;
}

export interface RefusedTable extends NoLabelTable {
  readonly path: string;
}

/**
 * The table that says which class each of a part's images has: beside them, or in a folder above. A table named for another
 * part, and a sample of a submission, are passed over.
 * @param at folder of the images
 * @param isNamed only tables that are named for the part
 * @returns why each table that was looked at is not one, where none is
 * @throws BlockForgeError `data-invalid` where two tables say different things
 */
export function findLabels(
  root: string,
  tree: Tree,
  part: { readonly name: PartName | undefined; readonly at: string; readonly isNamed?: boolean | undefined },
  images: readonly string[],
  reading: TableReading,
): FoundLabels | { readonly refused: readonly RefusedTable[] } {
  const refused: RefusedTable[] = [];
  const found: FoundLabels[] = [];
  for (const path of candidates(tree, part.at)) {
    if (/submission/i.test(path.slice(path.lastIndexOf('/') + 1))) continue;
    const named = partOfTable(path);
    if (part.isNamed === true && named !== part.name) continue;
    if (part.name !== undefined && named !== undefined && named !== part.name) continue;
    const table = readTable(join(root, path), images, reading);
    if ('why' in table) refused.push({ path, ...table });
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

/** The part that a table is named for. */
export function partOfTable(path: string): PartName | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return partLike(name.slice(0, name.length - endingOf(name).length))?.part;
}

function* candidates(tree: Tree, at: string): Generator<string> {
  for (let folder = at; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const tables = tree.get(folder)?.tables ?? [];
    const byEnding = new Map<string, number>();
    for (const name of tables) byEnding.set(endingOf(name), (byEnding.get(endingOf(name)) ?? 0) + 1);
    for (const name of tables) {
      if ((byEnding.get(endingOf(name)) ?? 0) <= maxTables) yield below(folder, name);
    }
    if (folder === '') return;
  }
}

function readTable(
  path: string,
  images: readonly string[],
  reading: TableReading,
): LabelTable | NoLabelTable {
  try {
    const { size } = statSync(path);
    if (size > maxTableBytes) return { why: `larger than ${maxTableBytes / 1e6} MB` };
    const rows = parseTable(readFileSync(path, 'utf8'), endingOf(path));
    return rows === undefined ? { why: 'JSON, but no table' } : readLabelTable(rows, images, reading);
  } catch (error) {
    return { why: (error as Error).message };
  }
}

function sameLabels(a: LabelTable, b: LabelTable): boolean {
  return (
    a.labels.size === b.labels.size && [...a.labels].every(([image, label]) => b.labels.get(image) === label)
  );
}
