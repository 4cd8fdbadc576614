import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import { findLabels, type FoundLabels } from './find-labels.ts';
import { partNames, partOf, wrapperNames, type PartName } from './names.ts';
import { countImages, imagesBelow } from './tree.ts';
import { below, type Tree } from './walk.ts';

/** Images that belong together and where their classes come from. */
export interface Part {
  /** Undefined where all images are one part. */
  readonly name: PartName | undefined;
  /** The folder of the class folders, or of the images that a table labels. */
  readonly at: string;
  /** Folders at `at`, one per class; or the table. */
  readonly classes: { readonly folders: readonly string[] } | FoundLabels;
}

export interface Layout {
  readonly parts: readonly Part[];
  /** What was recognised, beyond one folder per class; sentences. */
  readonly notes: readonly string[];
}

/**
 * Recognises how a folder is laid out: class folders; train/, val/, test/ (any case, the usual other names) holding class
 * folders or images that a table labels; such a folder inside folders that hold nothing else.
 * @throws BlockForgeError `data-invalid` where two readings are possible, or images have no labels
 */
export function recogniseLayout(root: string, tree: Tree): Layout {
  const counts = countImages(tree);
  const view = { root, tree, counts, notes: [] as string[] };
  const at = unwrap(view, '');
  const wrapped = at !== '';
  if (wrapped) view.notes.push(`the images are those of ${at}/`);
  const split = findParts(view, at);
  if (split === undefined) {
    const part = readPart(view, undefined, at, undefined);
    return { parts: part === undefined ? [] : [part], notes: view.notes };
  }
  const parts: Part[] = [];
  for (const name of ['train', 'val', 'test'] as const) {
    const folder = split[name];
    if (folder === undefined) continue;
    const known = parts[0] === undefined ? undefined : new Set(classNames(parts[0]));
    const part = readPart(view, name, unwrap(view, folder, wrapperNames), known);
    if (part !== undefined) parts.push(part);
  }
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) {
    view.notes.push(`${first.at}/ is the only labelled part: all splits are drawn from it`);
    return { parts: [{ ...first, name: undefined }], notes: view.notes };
  }
  refuseSharedTable(view, parts);
  return { parts, notes: view.notes };
}

/** Names of a part's classes, folders as they lie, others as their table tells them. */
export function classNames({ classes }: Part): readonly string[] {
  return 'folders' in classes ? classes.folders : [...new Set(classes.table.labels.values())];
}

interface View {
  readonly root: string;
  readonly tree: Tree;
  readonly counts: ReadonlyMap<string, number>;
  readonly notes: string[];
}

/** Goes down while a folder holds one folder only and that is no class; `names`, where only such are gone into. */
function unwrap(view: View, from: string, names?: readonly string[]): string {
  for (let at = from; ;) {
    const listing = view.tree.get(at);
    if (listing === undefined || listing.images.length > 0) return at;
    const holding = listing.folders.filter((name) => filled(view, below(at, name)));
    const [only] = holding;
    if (only === undefined || holding.length > 1) return at;
    const inner = below(at, only);
    const isWrapper = wrapperNames.includes(only.toLowerCase());
    const holdsFoldersOnly = view.tree.get(inner)?.images.length === 0 && listing.folders.length === 1;
    if (names === undefined && partOf(only) !== undefined) return at;
    if (!isWrapper && (names !== undefined || !holdsFoldersOnly)) return at;
    at = inner;
  }
}

function filled({ counts }: View, path: string): boolean {
  return (counts.get(path) ?? 0) > 0;
}

/** The folders that are parts; undefined where the folders at `at` are classes. */
function findParts(view: View, at: string): Partial<Record<PartName, string>> | undefined {
  const folders = (view.tree.get(at)?.folders ?? []).filter((name) => filled(view, below(at, name)));
  const parts: Partial<Record<PartName, string>> = {};
  for (const part of Object.keys(partNames) as PartName[]) {
    const [one, two] = folders.filter((name) => partOf(name) === part);
    if (one === undefined) continue;
    if (two !== undefined) {
      refuse(view, at, {
        found: `both ${one}/ and ${two}/ hold images, and both names mean the ${part} part`,
        expected: 'one of them',
        next: `rename the one that is not meant (not to a name of a part), or point data.path at one folder alone`,
      });
    }
    parts[part] = below(at, one);
  }
  const named = Object.values(parts);
  if (named.length === 0) return undefined;
  const others = folders.filter((name) => partOf(name) === undefined);
  if (others.length === 0) return parts;
  const holdClasses = named.filter((folder) => !holdsImages(view, unwrap(view, folder, wrapperNames)));
  // A class called `train` or `valid` among other classes.
  const tables = [at, ...named].some((folder) => (view.tree.get(folder)?.tables.length ?? 0) > 0);
  if (holdClasses.length === 0 && (!tables || named.length === 1)) return undefined;
  if (parts.train === undefined || named.length === 1) {
    refuse(view, at, {
      found: `${named.map((folder) => `${folder}/`).join(', ')} ${named.length === 1 ? 'looks' : 'look'} like a part of the data with class folders, ${others[0]}/ beside it like a class`,
      expected: 'class folders, or train/, val/ and test/ that hold class folders',
      next: `point data.path at ${join(view.root, named[0]!)}, or rename it if it is a class`,
    });
  }
  for (const name of others) {
    const images = (view.counts.get(below(at, name)) ?? 0).toLocaleString('en');
    view.notes.push(`${below(at, name)}/ is beside ${parts.train}/ and not used (${images} images)`);
  }
  return parts;
}

function holdsImages({ tree }: View, path: string): boolean {
  return (tree.get(path)?.images.length ?? 0) > 0;
}

function readPart(
  view: View,
  name: PartName | undefined,
  at: string,
  known: ReadonlySet<string> | undefined,
): Part | undefined {
  const { root, tree, notes } = view;
  const listing = tree.get(at);
  if (listing === undefined) return undefined;
  const filledFolders = listing.folders.filter((folder) => filled(view, below(at, folder)));
  if (name === undefined) refuseWrapperAmongClasses(view, at, filledFolders);
  const folders = name === undefined || name === 'train' ? listing.folders : filledFolders;
  // Without any image there is nothing to read; the caller says what was found instead.
  if (listing.images.length === 0 || filledFolders.length > 1) return { name, at, classes: { folders } };
  const images = imagesBelow(tree, at);
  const found = findLabels(root, tree, { name, at }, images, known);
  if (!('refused' in found)) {
    const { labels, contradicted, rowsWithoutImage } = found.table;
    notes.push(
      `${found.path} says the classes of ${labels.size.toLocaleString('en')} of ${images.length.toLocaleString('en')} images of ${at === '' ? 'this folder' : `${at}/`}` +
        (contradicted.length > 0
          ? `; ${contradicted.length.toLocaleString('en')} are given several (${contradicted[0]})`
          : '') +
        (rowsWithoutImage > 0
          ? `; rows that name no image there: ${rowsWithoutImage.toLocaleString('en')}`
          : ''),
    );
    return { name, at, classes: found };
  }
  if (filledFolders.length > 0) return { name, at, classes: { folders } };
  const tried = found.refused.length === 0 ? '' : `; ${found.refused.slice(0, 3).join('; ')}`;
  if (name === 'test') {
    notes.push(
      `${at}/ holds ${images.length.toLocaleString('en')} images without labels: not used as test${tried}`,
    );
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

function refuse(
  { root }: View,
  at: string,
  failure: { found: string; expected: string; next: string },
): never {
  return fail({ reason: 'data-invalid', subject: join(root, at), ...failure });
}
