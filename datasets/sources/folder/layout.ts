import { basename } from 'node:path';
import { findParts } from './find-parts.ts';
import { partLike, partOrder, wrapperNames } from './part-names.ts';
import { readPart } from './read-part.ts';
import { readTableParts } from './table-parts.ts';
import { countImages } from './tree.ts';
import { refuse, unwrap, type Part, type View } from './view.ts';
import type { Tree } from './walk.ts';

export interface Layout {
  readonly parts: readonly Part[];
  /** What was recognised, beyond one folder per class; sentences. */
  readonly notes: readonly string[];
  /** What of it should be looked at. */
  readonly warnings: readonly string[];
}

/**
 * Recognises how a folder is laid out: class folders; train/, val/, test/ (any case, the usual other names) holding class
 * folders or images that a table labels; such a folder inside folders that hold nothing else.
 * @throws BlockForgeError `data-invalid` where two readings are possible, or images have no labels
 */
export function recogniseLayout(root: string, tree: Tree): Layout {
  const view: View = { root, tree, counts: countImages(tree), notes: [], warnings: [] };
  const parts = readParts(view);
  const [first, second] = parts;
  if (first?.name !== undefined && second === undefined) {
    view.notes.push(
      first.at === ''
        ? `the name of the folder says that these are ${first.name} images: all splits are drawn from them`
        : `${first.at}/ is the only labelled part: all splits are drawn from it`,
    );
  }
  return { parts, notes: view.notes, warnings: view.warnings };
}

function readParts(view: View): Part[] {
  const at = unwrap(view, '');
  if (at !== '') view.notes.push(`the images are those of ${at}/`);
  const split = findParts(view, at);
  if (split === undefined) {
    const parts = readTableParts(view, at);
    if (parts.length > 0) return parts;
    const part = readPart(view, undefined, at, undefined);
    // Images of a folder that is itself called train are no less training images.
    const isTrain = [basename(view.root), ...at.split('/')].some((name) => partLike(name)?.part === 'train');
    return part === undefined ? [] : [{ ...part, name: isTrain ? 'train' : undefined }];
  }
  const parts: Part[] = [];
  for (const name of partOrder) {
    const folder = split[name];
    if (folder === undefined) continue;
    const known = parts[0] === undefined ? undefined : new Set(classNames(parts[0]));
    const part = readPart(view, name, unwrap(view, folder, wrapperNames), known);
    if (part !== undefined) parts.push(part);
  }
  refuseSharedTable(view, parts);
  return parts;
}

/** Names of a part's classes, folders as they lie, others as their table tells them. */
export function classNames({ classes }: Part): readonly string[] {
  return 'folders' in classes ? classes.folders : [...new Set(classes.table.labels.values())];
}

/** The same bare names in two parts: which of them the rows mean is not known. */
function refuseSharedTable(view: View, parts: readonly Part[]): void {
  const seen = new Map<string, string>();
  for (const { at, classes } of parts) {
    if ('folders' in classes || classes.table.byPath) continue;
    const other = seen.get(classes.path);
    if (other !== undefined) {
      refuse(view, classes.path, {
        found: `its image names are found both in ${other}/ and in ${at}/`,
        expected: 'paths that tell the two apart, as in "train/1.jpg", or a table for each part',
        next: 'write the paths into the table, or one table into each folder',
      });
    }
    seen.set(classes.path, at);
  }
}
