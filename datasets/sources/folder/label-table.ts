import { endingOf } from './names.ts';
import type { Row } from './parse-json-table.ts';

/** What a table says of the images of one folder. */
export interface LabelTable {
  /** Class name by path of the image. */
  readonly labels: ReadonlyMap<string, string>;
  /** Images that rows give different classes. */
  readonly contradicted: readonly string[];
  /** Rows that name no image of the folder. */
  readonly rowsWithoutImage: number;
  /** Of the images of the folder, found by their path rather than by a bare name. */
  readonly byPath: boolean;
  /** Whether the column of classes was only the one left over: its header calls it something else. */
  readonly isGuess: boolean;
}

/** Why a table does not say the classes of the images. */
export interface NoLabelTable {
  readonly why: string;
  /** It names images: each in several folders; with several classes; or with which class is not clear. */
  readonly names?: 'several-images' | 'several-classes' | 'no-class' | undefined;
}

export interface TableReading {
  /** Names of classes, where they are known. */
  readonly known?: ReadonlySet<string> | undefined;
  /** What at least half of must be found: the images, unless the table is one of several. */
  readonly half?: 'images' | 'rows' | undefined;
}

const labelHeader =
  /^(labels?|class(es)?([_ ]?(names?|labels?))?|category|target|dx|diagnosis|breed|species|wnid|synset|predictionstring|y)$/i;

/**
 * Reads which class each image has: one column names images (path, name, or name without ending), another their classes.
 * That column is the one whose values are all known classes; where none are known, the only other one or the one that its
 * header calls label, class, category, ... A cell may go on after the class, as Kaggle's "n01440764 0 0 9 9" does.
 * @param images their paths
 * @returns why not, where it is not such a table
 */
export function readLabelTable(
  rows: readonly Row[],
  images: readonly string[],
  { known, half = 'images' }: TableReading,
): LabelTable | NoLabelTable {
  const { find, isAmbiguous } = createFinder(images);
  const width = rows.reduce((most, { cells }) => Math.max(most, cells.length), 0);
  if (width > 64) return { why: `${width} columns` };
  const columns = Array.from({ length: width }, (_, column) => column);
  const countRows = (test: (cell: string) => boolean) =>
    columns.map((column) => rows.filter(({ cells }) => test(cells[column] ?? '')).length);
  const hits = countRows((cell) => find(cell) !== undefined);
  const most = Math.max(0, ...hits);
  const imageColumn = hits.indexOf(most);
  const needed = half === 'rows' ? rows.length : images.length;
  if (most === 0 || 2 * most < needed) {
    const several = countRows(isAmbiguous);
    const at = several.findIndex((count) => count > 0 && 2 * count >= rows.length);
    if (at >= 0) return refuseSeveral(rows, at, isAmbiguous, known);
  }
  if (most === 0) {
    return {
      why:
        width === 1 && rows.length === images.length
          ? 'a class per line without the image it belongs to'
          : 'no row names an image there',
    };
  }
  if (2 * most < needed) {
    return {
      why: `it names ${most.toLocaleString('en')} of the ${images.length.toLocaleString('en')} images there`,
    };
  }
  const named = rows.flatMap(({ cells }) => {
    const found = find(cells[imageColumn] ?? '');
    return found === undefined ? [] : [{ ...found, cells }];
  });
  const first = rows[0]!;
  const header = find(first.cells[imageColumn] ?? '') === undefined ? first.cells : undefined;
  const others = columns.filter((column) => column !== imageColumn);
  if (others.length === 0) return { why: 'one column only: names without classes' };
  const column = pickColumn(
    others,
    header,
    known,
    named.map(({ cells }) => cells),
  );
  if (typeof column !== 'number') return { ...column, names: 'no-class' };

  const labels = new Map<string, string>();
  const contradicted = new Set<string>();
  for (const { image, cells } of named) {
    const label = classOf(cells[column] ?? '', known);
    const before = labels.get(image);
    if (label === undefined || (before !== undefined && before !== label)) contradicted.add(image);
    else labels.set(image, label);
  }
  for (const image of contradicted) labels.delete(image);
  if (labels.size < contradicted.size) {
    const [image = ''] = contradicted;
    return {
      why: `it gives ${contradicted.size.toLocaleString('en')} of ${(labels.size + contradicted.size).toLocaleString('en')} images no class or several (${image})`,
      names: 'several-classes',
    };
  }
  return {
    labels,
    contradicted: [...contradicted],
    rowsWithoutImage: rows.length - named.length - (header === undefined ? 0 : 1),
    byPath: named.every(({ byPath }) => byPath),
    isGuess: header !== undefined && !labelHeader.test(header[column] ?? ''),
  };
}

/** Rows name images by names that several folders have: no fault where those folders are the classes and the rows say so. */
function refuseSeveral(
  rows: readonly Row[],
  imageColumn: number,
  isAmbiguous: (cell: string) => boolean,
  known: ReadonlySet<string> | undefined,
): NoLabelTable {
  const [first, ...rest] = rows;
  const header =
    first !== undefined && !isAmbiguous(first.cells[imageColumn] ?? '') ? first.cells : undefined;
  const body = header === undefined ? rows : rest;
  const others = (first?.cells ?? []).map((_, column) => column).filter((column) => column !== imageColumn);
  const tellsFolder = others.some((column) => body.every(({ cells }) => known?.has(cells[column] ?? '')));
  const tellsClass =
    header === undefined
      ? others.length === 1
      : others.some((column) => labelHeader.test(header[column] ?? ''));
  return {
    why: `the names in it are those of images in several folders (${body[0]?.cells[imageColumn] ?? ''})`,
    names: tellsClass && !tellsFolder ? 'several-images' : undefined,
  };
}

type Rows = readonly (readonly string[])[];

function pickColumn(
  others: readonly number[],
  header: readonly string[] | undefined,
  known: ReadonlySet<string> | undefined,
  rows: Rows,
): number | { why: string } {
  const called = others.filter((column) => labelHeader.test(header?.[column] ?? ''));
  if (known === undefined) {
    if (called.length === 1) return called[0]!;
    if (others.length === 1) return others[0]!;
    return { why: 'which column holds the classes is not clear' };
  }
  const fitting = others.filter((column) =>
    rows.every((cells) => {
      const cell = cells[column] ?? '';
      return known.has(cell) || known.has(cell.split(/\s+/)[0]!);
    }),
  );
  if (fitting.length === 1) return fitting[0]!;
  const both = fitting.filter((column) => called.includes(column));
  if (both.length === 1) return both[0]!;
  if (fitting.length > 1) return { why: 'two columns hold class names' };
  const guess = called[0] ?? (others.length === 1 ? others[0] : undefined);
  if (guess === undefined) return { why: 'no column holds the names of the class folders' };
  const cell = (cells: readonly string[]) => cells[guess] ?? '';
  const odd = rows.map(cell).find((value) => !known.has(value) && !known.has(value.split(/\s+/)[0]!)) ?? '';
  return {
    why: /^\d+$/.test(odd)
      ? `it numbers the classes (${odd}) and does not name them; numbers depend on an order it does not tell`
      : `it names a class that has no folder: '${odd}'`,
  };
}

/** Undefined where the cell names several known classes. */
function classOf(cell: string, known: ReadonlySet<string> | undefined): string | undefined {
  if (known === undefined) return cell === '' ? undefined : cell;
  if (known.has(cell)) return cell;
  const words = cell.split(/\s+/);
  const isBox = words.length % 5 === 0 && words.every((word, index) => index % 5 === 0 || isNumber(word));
  // Numbers behind a class are its box, even where classes are numbers too.
  const isClass = (word: string, index: number) =>
    index === 0 || (isBox ? index % 5 === 0 : known.has(word) && !isNumber(word));
  const named = new Set(words.filter(isClass));
  return named.size === 1 ? [...named][0] : undefined;
}

function isNumber(word: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(word);
}

interface Finder {
  readonly find: (cell: string) => { image: string; byPath: boolean } | undefined;
  /** Whether a name is that of several images. */
  readonly isAmbiguous: (cell: string) => boolean;
}

/** Finds an image by path, by the end of its path, by its name or by its name without ending; only where that is unique. */
function createFinder(images: readonly string[]): Finder {
  const paths = new Set(images);
  const names = new Map<string, string | null>();
  const add = (name: string, image: string): void => {
    const other = names.get(name);
    names.set(name, other === undefined || other === image ? image : null);
  };
  for (const image of images) {
    const name = image.slice(image.lastIndexOf('/') + 1);
    add(name, image);
    add(name.slice(0, name.length - endingOf(name).length), image);
  }
  const find: Finder['find'] = (cell) => {
    const path = cell.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
    if (path === '') return undefined;
    if (paths.has(path)) return { image: path, byPath: true };
    const image = names.get(path.slice(path.lastIndexOf('/') + 1));
    if (image === undefined || image === null) return undefined;
    // Other folders of that name: the row is of another part.
    const folders = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folders === '') return { image, byPath: false };
    const own = `/${image.slice(0, Math.max(0, image.lastIndexOf('/')))}`;
    const same = own.endsWith(`/${folders}`) || `/${folders}`.endsWith(own);
    return same ? { image, byPath: true } : undefined;
  };
  return { find, isAmbiguous: (cell) => !paths.has(cell) && names.get(cell) === null };
}
