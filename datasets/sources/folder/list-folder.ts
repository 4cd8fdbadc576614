import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import type { Item } from '../../contract.ts';
import { failMissing } from '../../missing.ts';
import { describeLeft, describePart, type Account } from './account.ts';
import { classNames, recogniseLayout, type Layout } from './layout.ts';
import { byCodeUnit } from '../../classes/folder-order.ts';
import { imagesBelow } from './tree.ts';
import type { Part } from './view.ts';
import { below, walkFolder, type Tree } from './walk.ts';

export interface FolderOptions {
  /** Links may lead out of the folder. */
  readonly followLinks?: boolean | undefined;
}

export interface ListedFolder {
  /** For messages: what was found, and which part of it is not used. */
  readonly description: string;
  /** Resolved. */
  readonly root: string;
  readonly classes: readonly string[];
  /** Classes without an image: their folders count, since a teacher may know the class. */
  readonly empty: readonly string[];
  readonly items: readonly Item[];
  readonly account: Account;
}

/**
 * The images of a folder and their classes, without opening one: one walk, then the layout is recognised. Classes are
 * sorted by code units, items by class and path, the same on every machine.
 * @throws BlockForgeError `file-missing` without images; `data-invalid` as `walkFolder` and `recogniseLayout`, and for a class
 * that is not among the training classes
 */
export async function listFolder(folder: string, options: FolderOptions = {}): Promise<ListedFolder> {
  const root = await realpath(folder).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    return missing(folder, code === 'ENOENT' ? 'no such folder' : message);
  });
  if (!(await stat(root)).isDirectory()) missing(folder, 'a file');
  const tree = await walkFolder(root, options.followLinks === true);
  const layout = recogniseLayout(root, tree);
  const { parts, notes, warnings: doubts } = withoutUnlabelledTest(layout);
  const [first] = parts;
  const classes = first === undefined ? [] : [...classNames(first)].sort(byCodeUnit);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const items: Item[] = [];
  const lines: string[] = [];
  const warnings: string[] = [...doubts];
  for (const part of parts) {
    const listed = listPart(folder, tree, part, labels, first);
    for (const item of listed) items.push(item);
    const { line, warning } = describePart(part, listed, classes);
    lines.push(line);
    if (warning !== undefined) warnings.push(warning);
  }
  const filled = new Set(items.map(({ label }) => label));
  const tables = parts.flatMap(({ classes }) => ('path' in classes ? [classes.path] : []));
  const left = describeLeft(tree, items, new Set(tables));
  if (items.length === 0) {
    const top = tree.get('')?.folders.length ?? 0;
    missing(folder, `${top} folder${top === 1 ? '' : 's'} without images that are read${left.missed}`);
  }
  const leftOut = [...notes, ...doubts].flatMap((note) =>
    // Which tables were tried is told by the account.
    note.includes('not used') ? [note.split('; ')[0]!] : [],
  );
  const found = `${items.length.toLocaleString('en')} images, ${classes.length.toLocaleString('en')} classes`;
  return {
    description: `folder ${folder} (${[found, ...leftOut].join('; ')})`,
    root,
    classes,
    empty: classes.filter((_, label) => !filled.has(label)),
    items,
    account: {
      lines: [...lines, ...notes, ...left.lines],
      warnings: [...warnings, ...left.warnings],
    },
  };
}

function listPart(
  folder: string,
  tree: Tree,
  { name, at, classes }: Part,
  labels: ReadonlyMap<string, number>,
  first: Part | undefined,
): Item[] {
  const origin: Item['origin'] = name ?? 'all';
  const labelOf = (className: string): number =>
    labels.get(className) ??
    fail({
      reason: 'data-invalid',
      subject: join(folder, at, className),
      found: `a class that has no folder in ${first?.name ?? 'train'}/`,
      expected: `the ${labels.size} classes of ${join(folder, first?.at ?? '')}`,
      next: `remove the folder, or add the class to ${first?.name ?? 'train'}/`,
    });
  if ('folders' in classes) {
    return [...classes.folders].sort(byCodeUnit).flatMap((className) => {
      const label = labelOf(className);
      return imagesBelow(tree, below(at, className)).map((id) => ({ id, label, origin }));
    });
  }
  return [...classes.table.labels]
    .map(([id, className]) => ({ id, label: labelOf(className), origin }))
    .sort((a, b) => a.label - b.label || byCodeUnit(a.id, b.id));
}

/** Test images in folders that are no class, such as `unknown/`: competitions give them without labels. */
function withoutUnlabelledTest(layout: Layout): Layout {
  const { parts, notes, warnings } = layout;
  const [first] = parts;
  const test = parts.find(({ name }) => name === 'test');
  if (first === undefined || test === undefined || test === first) return layout;
  const known = new Set(classNames(first));
  const named = classNames(test);
  if (named.length > 1 || named.some((name) => known.has(name))) return layout;
  const note = `${test.at}/ holds images in ${named[0] ?? ''}/, which is no class of ${first.at}/: not used as test`;
  const others = parts.filter((part) => part !== test);
  const only =
    others.length === 1 ? [`${first.at}/ is the only labelled part: all splits are drawn from it`] : [];
  return { parts: others, notes: [...notes, ...only], warnings: [...warnings, note] };
}

function missing(folder: string, found: string): never {
  return failMissing(folder, {
    found,
    layout:
      'one folder per class with images (JPEG, PNG, WebP, GIF, TIFF, BMP, PPM, AVIF), or train/, val/ and test/ holding such folders',
    get: 'put the images there',
  });
}
