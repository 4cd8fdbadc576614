import { findLabels, type FoundLabels } from './find-labels.ts';
import { areNumbered, isContainerName, type PartName } from './part-names.ts';
import { imagesBelow } from './tree.ts';
import { placeOf, refuse, type View } from './view.ts';

/** Nobody spreads images that a table labels over more folders; so many are classes, and reading a table for each image is dear. */
const maxFolders = 100;

/**
 * The table that labels images in several folders which are no classes ("part_1", "part_2"); undefined where the folders are
 * the classes: no table names their images, or it says nothing that the folders do not.
 * @param folders at `part.at` with images in or below them
 * @throws BlockForgeError `data-invalid` where the table and the folders tell different classes
 */
export function labelsAcross(
  view: View,
  part: { readonly name: PartName | undefined; readonly at: string },
  folders: readonly string[],
): FoundLabels | undefined {
  if (folders.length === 0 || folders.length > maxFolders) return undefined;
  const { root, tree } = view;
  const images = imagesBelow(tree, part.at);
  const known = new Set(folders);
  const same = findLabels(root, tree, part, images, { known });
  if (!('refused' in same)) {
    const other = [...same.table.labels].filter(([image, label]) => folderOf(image, part.at) !== label);
    if (other.length > 0) {
      view.warnings.push(
        `${same.path} gives ${other.length.toLocaleString('en')} images another class than the folder they lie in (${other[0]?.[0]}): the folders are used`,
      );
    }
    return undefined;
  }
  const found = findLabels(root, tree, part, images, {});
  const holdAny = folders.length === 1 || folders.every(isContainerName) || areNumbered(folders);
  if ('refused' in found) {
    const table = found.refused.find(
      ({ names }) => names === 'several-images' || (holdAny && names !== undefined),
    );
    return table === undefined ? undefined : refuseBoth(view, part.at, folders, table.path, table.why);
  }
  const { labels, isGuess } = found.table;
  if (holdAny) return found;
  const classes = new Set(labels.values()).size;
  // Numbers of images, their sizes and the like; or each folder has its own class there too.
  if (isGuess || classes < 2 || 2 * classes > labels.size || agrees(labels, part.at)) return undefined;
  return refuseBoth(view, part.at, folders, found.path, `it gives images of one folder different classes`);
}

/** Whether all images of each folder have one class, and each class is of few folders. */
function agrees(labels: ReadonlyMap<string, string>, at: string): boolean {
  const ofFolder = new Map<string, string>();
  for (const [image, label] of labels) {
    const folder = folderOf(image, at);
    if ((ofFolder.get(folder) ?? label) !== label) return false;
    ofFolder.set(folder, label);
  }
  return true;
}

function folderOf(image: string, at: string): string {
  const path = at === '' ? image : image.slice(at.length + 1);
  return path.slice(0, Math.max(0, path.indexOf('/')));
}

function refuseBoth(view: View, at: string, folders: readonly string[], table: string, why: string): never {
  const shown = folders
    .slice(0, 3)
    .map((name) => `${name}/`)
    .join(', ');
  return refuse(view, at, {
    found: `the folders of ${placeOf(at)} (${shown}${folders.length > 3 ? ', ...' : ''}) could be the classes, and ${table} names their images; ${why}`,
    expected: 'class folders, or a table with paths of images and, headed "label", their classes',
    next: `move ${table} out of data.path if the folders are the classes; else write paths such as "${folders[0]}/1.jpg" and one column "label" into it, and put all images into one folder`,
  });
}
