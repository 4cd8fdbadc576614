import { join } from 'node:path';
import { partLike, partOf, partOrder, wrapperNames, type PartName } from './part-names.ts';
import { filledFolders, holdsImages, imagesIn, refuse, unwrap, type View } from './view.ts';
import { below } from './walk.ts';

export type PartFolders = Partial<Record<PartName, string>>;

/**
 * The folders that are parts; undefined where the folders at `at` are classes.
 * @throws BlockForgeError `data-invalid` where both readings are possible, or two folders mean one part
 */
export function findParts(view: View, at: string): PartFolders | undefined {
  const folders = filledFolders(view, at);
  const meant = namedParts(folders);
  const parts: PartFolders = {};
  for (const part of partOrder) {
    const [one, two] = folders.filter((name) => meant.get(name) === part);
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
  const others = folders.filter((name) => !meant.has(name));
  if (others.length === 0) return parts;
  const holdClasses = named.some((folder) => holdsClasses(view, unwrap(view, folder, wrapperNames)));
  // A class called `train` or `valid` among other classes.
  if (!holdClasses && named.length === 1) return undefined;
  const tables = [at, ...named].some((folder) => (view.tree.get(folder)?.tables.length ?? 0) > 0);
  if (parts.train === undefined || named.length === 1 || (!holdClasses && !tables)) {
    const names = named.map((folder) => `${folder}/`).join(', ');
    refuse(view, at, {
      found:
        `${names} ${named.length === 1 ? 'looks like a part' : 'look like parts'} of the data` +
        `${holdClasses ? ' with class folders' : ''}, ${others[0]}/ beside ${named.length === 1 ? 'it' : 'them'} like a class`,
      expected: 'class folders, or train/, val/ and test/ that hold class folders or that a table labels',
      next:
        named.length === 1
          ? `point data.path at ${join(view.root, named[0]!)}, or rename it if it is a class`
          : `move ${others[0]}/ away if ${names} are parts, or rename these if they are classes`,
    });
  }
  for (const name of others) {
    const images = imagesIn(view, below(at, name)).toLocaleString('en');
    view.notes.push(`${below(at, name)}/ is beside ${parts.train}/ and not used (${images} images)`);
  }
  return parts;
}

/** Several folders with images: a stray image beside them does not make them less. */
function holdsClasses(view: View, at: string): boolean {
  return !holdsImages(view, at) || filledFolders(view, at).length > 1;
}

/**
 * Which part each folder's name means. "train" does anywhere; "train_images" and "trainset" alone or beside another
 * part; "seg_train" only beside one that is called alike but for the part.
 */
function namedParts(folders: readonly string[]): ReadonlyMap<string, PartName> {
  const meant = new Map<string, PartName>();
  const like = folders.map((name) => ({ name, strict: partOf(name), loose: partLike(name) }));
  for (const { name, strict, loose } of like) {
    const isBeside = like.some(
      (other) =>
        loose !== undefined &&
        other.loose !== undefined &&
        other.loose.part !== loose.part &&
        (other.loose.frame === loose.frame || (other.loose.isPlain && loose.isPlain)),
    );
    const isAlone = folders.length === 1 && loose?.isPlain === true;
    const part = strict ?? (isBeside || isAlone ? loose?.part : undefined);
    if (part !== undefined) meant.set(name, part);
  }
  return meant;
}
