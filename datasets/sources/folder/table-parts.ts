import { findLabels, partOfTable, type FoundLabels } from './find-labels.ts';
import { partOrder, type PartName } from './part-names.ts';
import { describeTable } from './read-part.ts';
import { imagesBelow } from './tree.ts';
import { filledFolders, holdsImages, placeOf, refuse, type Part, type View } from './view.ts';

/**
 * The parts of images that lie in one folder and that tables named for parts tell apart: train.csv, val.csv, test.csv.
 * @returns none where fewer than one table does, or folders do
 * @throws BlockForgeError `data-invalid` for an image in two of them, and for validation images without a class
 */
export function readTableParts(view: View, at: string): Part[] {
  if (!holdsImages(view, at) || filledFolders(view, at).length > 1) return [];
  const { root, tree, counts } = view;
  const images = imagesBelow(tree, at);
  const parts: (Part & { readonly classes: FoundLabels })[] = [];
  const tables = [...ancestors(at)].flatMap((folder) => tree.get(folder)?.tables ?? []);
  const named = new Set(tables.map(partOfTable));
  if (!named.has('train')) return [];
  const refused: { name: PartName; path: string; why: string }[] = [];
  for (const name of partOrder) {
    if (!named.has(name)) continue;
    const [first] = parts;
    const known = first && new Set(first.classes.table.labels.values());
    const found = findLabels(root, tree, { name, at, isNamed: true }, images, { known, half: 'rows' });
    if (!('refused' in found)) parts.push({ name, at, classes: found });
    else {
      for (const { path, why, names } of found.refused) {
        if (names !== undefined) refused.push({ name, path, why });
      }
    }
  }
  if (parts[0]?.name !== 'train') return [];
  refuseTwice(view, at, parts);
  for (const { classes } of parts) view.notes.push(describeTable(classes, counts.get(at) ?? 0, at));
  for (const { name, path, why } of refused) {
    if (parts.some((part) => part.name === name)) continue;
    if (name !== 'test') {
      refuse(view, path, {
        found: why,
        expected: `a class of ${parts[0].classes.path} for each image of the ${name} part`,
        next: 'correct the table, or move it out of data.path to use the others alone',
      });
    }
    view.warnings.push(`${path}: ${why}; its images are not used as test`);
  }
  return parts;
}

function* ancestors(at: string): Generator<string> {
  for (let folder = at; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/'))))
    yield folder;
  yield '';
}

function refuseTwice(
  view: View,
  at: string,
  parts: readonly (Part & { readonly classes: FoundLabels })[],
): void {
  const seen = new Map<string, string>();
  for (const { classes } of parts) {
    for (const image of classes.table.labels.keys()) {
      const other = seen.get(image);
      if (other !== undefined) {
        refuse(view, at, {
          found: `${image} of ${placeOf(at)} is both in ${other} and in ${classes.path}`,
          expected: 'each image in the table of one part',
          next: 'remove it from one of the two tables, or one of these out of data.path',
        });
      }
      seen.set(image, classes.path);
    }
  }
}
