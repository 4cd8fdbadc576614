import type { Item } from '../../contract.ts';
import { endingOf } from './names.ts';
import { addTally, count, describeTally, type Tally } from './tally.ts';
import type { Part } from './view.ts';
import { below, type Tree } from './walk.ts';

/** What a folder holds and what of it is read, in sentences; paths are below the folder, so that a moved one says the same. */
export interface Account {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

const listedClasses = 5;

/** One line on a part: images by ending, and classes that have none. */
export function describePart(
  { name, at }: Part,
  items: readonly Item[],
  classes: readonly string[],
): { line: string; warning: string | undefined } {
  const endings = new Map<string, number>();
  const perClass = new Uint32Array(classes.length);
  for (const { id, label } of items) {
    const ending = endingOf(id);
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
    perClass[label]!++;
  }
  const empty = classes.filter((_, label) => perClass[label] === 0);
  const kinds = [...endings]
    .sort(([, a], [, b]) => b - a)
    .map(([ending, images]) => `${images.toLocaleString('en')} ${ending}`)
    .join(', ');
  const place = at === '' ? '' : `, from ${at}/`;
  const held = classes.length - empty.length;
  const shown = empty.slice(0, listedClasses).join(', ') + (empty.length > listedClasses ? ', ...' : '');
  return {
    line: `${name ?? 'all'}: ${items.length.toLocaleString('en')} images (${kinds}) in ${held.toLocaleString('en')} class${held === 1 ? '' : 'es'}${place}`,
    warning:
      empty.length === 0
        ? undefined
        : `${empty.length.toLocaleString('en')} of ${classes.length.toLocaleString('en')} classes ${empty.length === 1 ? 'has' : 'have'} no image that is read${at === '' ? '' : ` in ${at}/`}: ${shown}`,
  };
}

/** What was left: files that are no images, those that could have been meant as images, what systems leave behind. */
export function describeLeft(
  tree: Tree,
  items: readonly Item[],
  tables: ReadonlySet<string>,
): { lines: string[]; warnings: string[]; missed: string } {
  const other: Tally = new Map();
  const missed: Tally = new Map();
  const system: Tally = new Map();
  const used = new Set(items.map(({ id }) => id.slice(0, Math.max(0, id.lastIndexOf('/')))));
  let images = 0;
  for (const [path, listing] of tree) {
    addTally(other, listing.other);
    addTally(missed, listing.missed);
    addTally(system, listing.system);
    for (const name of listing.tables) {
      if (!tables.has(below(path, name))) count(other, endingOf(name), below(path, name));
    }
    images += listing.images.length;
  }
  const unused = images - items.length;
  if (unused > 0) {
    const where = firstUnused(tree, items, used);
    other.set(`image${unused === 1 ? '' : 's'} without a class or of a part that is not used`, {
      count: unused,
      first: [where],
    });
  }
  const lines: string[] = [];
  if (other.size > 0) lines.push(`not read: ${describeTally(other)}`);
  if (system.size > 0) lines.push(`skipped: ${describeTally(system)}`);
  const said = missed.size === 0 ? '' : describeTally(missed);
  return {
    lines,
    warnings: said === '' ? [] : [`not read, though they might be images: ${said}`],
    missed: said === '' ? '' : `; not read: ${said}`,
  };
}

/** The first image that no part has. */
function firstUnused(tree: Tree, items: readonly Item[], folders: ReadonlySet<string>): string {
  const other = [...tree].find(([path, { images }]) => images.length > 0 && !folders.has(path));
  if (other !== undefined) return below(other[0], other[1].images[0] ?? '');
  const used = new Set(items.map(({ id }) => id));
  for (const [path, { images }] of tree) {
    const name = images.find((image) => !used.has(below(path, image)));
    if (name !== undefined) return below(path, name);
  }
  return '';
}
