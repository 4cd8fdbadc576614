import { byCodeUnit } from '../../classes/folder-order.ts';
import { below, type Listing, type Tree } from './walk.ts';

/** The folders at and below `path`, that one first. */
export function* subtree(tree: Tree, path: string): Generator<{ path: string; listing: Listing }> {
  const pending = [path];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const listing = tree.get(at);
    // A link to a folder that is listed elsewhere.
    if (listing === undefined) continue;
    yield { path: at, listing };
    for (const name of listing.folders) pending.push(below(at, name));
  }
}

/** Paths of all images at and below `path`, in the order of code units. */
export function imagesBelow(tree: Tree, path: string): string[] {
  const paths: string[] = [];
  for (const { path: folder, listing } of subtree(tree, path)) {
    for (const name of listing.images) paths.push(below(folder, name));
  }
  return paths.sort(byCodeUnit);
}

/** Number of images at and below each folder. */
export function countImages(tree: Tree): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [path, { images }] of tree) {
    if (images.length === 0) continue;
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      counts.set(at, (counts.get(at) ?? 0) + images.length);
      if (at === '') break;
    }
  }
  return counts;
}
