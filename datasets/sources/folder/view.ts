import { join } from 'node:path';
import { fail } from '../../../pipeline/util/failure.ts';
import type { FoundLabels } from './find-labels.ts';
import { partLike, partOf, wrapperNames, type PartName } from './part-names.ts';
import { below, type Tree } from './walk.ts';

/** Images that belong together and where their classes come from. */
export interface Part {
  /** Undefined where all images are one part that is not known to be the training part. */
  readonly name: PartName | undefined;
  /** The folder of the class folders, or of the images that a table labels. */
  readonly at: string;
  /** Folders at `at`, one per class; or the table. */
  readonly classes: { readonly folders: readonly string[] } | FoundLabels;
}

/** A listed folder while its layout is being recognised. */
export interface View {
  readonly root: string;
  readonly tree: Tree;
  /** Images at and below each folder. */
  readonly counts: ReadonlyMap<string, number>;
  /** What was recognised; sentences. */
  readonly notes: string[];
  /** What of it should be looked at. */
  readonly warnings: string[];
}

/** Goes down while a folder holds one folder only and that is no class; `names`, where only such are gone into. */
export function unwrap(view: View, from: string, names?: readonly string[]): string {
  for (let at = from; ;) {
    const listing = view.tree.get(at);
    if (listing === undefined || listing.images.length > 0) return at;
    const [only, second] = filledFolders(view, at);
    if (only === undefined || second !== undefined) return at;
    const inner = below(at, only);
    if (names === undefined && (partOf(only) !== undefined || partLike(only)?.isPlain === true)) return at;
    const isWrapper = wrapperNames.includes(only.toLowerCase()) || (names !== undefined && repeats(at, only));
    const holdsFoldersOnly = !holdsImages(view, inner) && listing.folders.length === 1;
    if (!isWrapper && (names !== undefined || !holdsFoldersOnly)) return at;
    at = inner;
  }
}

/** `seg_train/seg_train`, `Training Images/train`. */
function repeats(at: string, name: string): boolean {
  const outer = at.slice(at.lastIndexOf('/') + 1);
  const part = partLike(outer)?.part;
  return outer.toLowerCase() === name.toLowerCase() || (part !== undefined && part === partLike(name)?.part);
}

/** Names of the folders at `at` with images in or below them. */
export function filledFolders(view: View, at: string): string[] {
  return (view.tree.get(at)?.folders ?? []).filter((name) => imagesIn(view, below(at, name)) > 0);
}

export function imagesIn({ counts }: View, path: string): number {
  return counts.get(path) ?? 0;
}

/** Whether images lie in the folder itself. */
export function holdsImages({ tree }: View, path: string): boolean {
  return (tree.get(path)?.images.length ?? 0) > 0;
}

/** "this folder", "val/" */
export function placeOf(at: string): string {
  return at === '' ? 'this folder' : `${at}/`;
}

export function refuse(
  { root }: View,
  at: string,
  failure: { found: string; expected: string; next: string },
): never {
  return fail({ reason: 'data-invalid', subject: join(root, at), ...failure });
}
