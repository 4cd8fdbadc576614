import { join } from 'node:path';
import { findLabels, type FoundLabels } from './find-labels.ts';
import { labelsAcross } from './labels-across.ts';
import { wrapperNames, type PartName } from './part-names.ts';
import { imagesBelow } from './tree.ts';
import { filledFolders, holdsImages, placeOf, refuse, type Part, type View } from './view.ts';
import { below } from './walk.ts';

/**
 * Where the classes of a part's images come from.
 * @param known classes of the part that was read before
 * @returns undefined for a folder that is not listed, and for test images without labels
 * @throws BlockForgeError `data-invalid` where nothing or several things say the classes
 */
export function readPart(
  view: View,
  name: PartName | undefined,
  at: string,
  known: ReadonlySet<string> | undefined,
): Part | undefined {
  const { root, tree, notes } = view;
  const listing = tree.get(at);
  if (listing === undefined) return undefined;
  const filled = filledFolders(view, at);
  if (name === undefined) refuseWrapperAmongClasses(view, at, filled);
  const folders = name === undefined || name === 'train' ? listing.folders : filled;
  // Without any image there is nothing to read; the caller says what was found instead.
  if (listing.images.length === 0 || filled.length > 1) {
    const across = known === undefined ? labelsAcross(view, { name, at }, filled) : undefined;
    if (across === undefined) return { name, at, classes: { folders } };
    notes.push(describeTable(across, view.counts.get(at) ?? 0, at));
    return { name, at, classes: across };
  }
  const images = imagesBelow(tree, at);
  const found = findLabels(root, tree, { name, at }, images, { known });
  if (!('refused' in found)) {
    notes.push(describeTable(found, images.length, at));
    return { name, at, classes: found };
  }
  if (filled.length > 0) return { name, at, classes: { folders } };
  const tried = found.refused
    .map(({ path, why }) => `; ${path}: ${why}`)
    .slice(0, 3)
    .join('');
  const contradictory = found.refused.some(({ names }) => names === 'several-classes');
  if (name === 'test' && !contradictory) {
    const note = `${at}/ holds ${images.length.toLocaleString('en')} images without labels: not used as test${tried}`;
    const hasTable = found.refused.some(({ names }) => names !== undefined);
    (hasTable ? view.warnings : notes).push(note);
    return undefined;
  }
  return refuse(view, at, {
    found: `${images.length.toLocaleString('en')} images that nothing gives a class${tried}`,
    expected:
      'one folder per class, or beside the images a CSV or text table with a column of image names and one of class names',
    next:
      name === undefined || name === 'train'
        ? 'sort the images into class folders, or add the table (labels.csv: filename,label)'
        : `put the table there (Kaggle's LOC_val_solution.csv, or ${name}.csv: filename,label), sort the images into class folders, or move ${at}/ away to use the other parts alone`,
  });
}

/** What a table says of the images at `at`. */
export function describeTable({ path, table }: FoundLabels, images: number, at: string): string {
  const { labels, contradicted, rowsWithoutImage } = table;
  return (
    `${path} says the classes of ${labels.size.toLocaleString('en')} of ${images.toLocaleString('en')} images of ${placeOf(at)}` +
    (contradicted.length > 0
      ? `; ${contradicted.length.toLocaleString('en')} are given several (${contradicted[0]})`
      : '') +
    (rowsWithoutImage > 0 ? `; rows that name no image there: ${rowsWithoutImage.toLocaleString('en')}` : '')
  );
}

/** `images/` with class folders beside `masks/`: neither is a class. */
function refuseWrapperAmongClasses(view: View, at: string, folders: readonly string[]): void {
  const wrapper = folders.find(
    (name) => wrapperNames.includes(name.toLowerCase()) && !holdsImages(view, below(at, name)),
  );
  if (wrapper === undefined) return;
  const other = folders.find((name) => name !== wrapper);
  if (other === undefined) return;
  refuse(view, at, {
    found: `${wrapper}/ holds folders, as if these were the classes, and ${other}/ lies beside it`,
    expected: 'one folder per class',
    next: `point data.path at ${join(view.root, at, wrapper)}, or rename ${wrapper}/ if it is a class`,
  });
}
