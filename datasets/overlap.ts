import { fail } from '../pipeline/util/failure.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import type { SplitItem, SplitName, Splits } from './contract.ts';

/** Splits that may share images: a teacher trained here has seen its calibration images. */
const groups: readonly (readonly SplitName[])[] = [['train', 'calibration'], ['selection'], ['test']];

/**
 * Proves by content that no image is in two splits that must not share any.
 * @throws BlockForgeError `splits-overlap` naming the two images.
 */
export function refuseOverlap(items: Splits['items']): void {
  const seen = new Map<
    Sha256,
    { readonly item: SplitItem; readonly split: SplitName; readonly group: number }
  >();
  groups.forEach((names, group) => {
    for (const split of names) {
      for (const item of items[split]) {
        const other = seen.get(item.sha256);
        if (other === undefined) seen.set(item.sha256, { item, split, group });
        else if (other.group !== group) failOverlap(other.item.id, other.split, item.id, split);
      }
    }
  });
}

function failOverlap(id: string, split: string, otherId: string, otherSplit: string): never {
  return fail({
    reason: 'splits-overlap',
    subject: `${id} (${split}) and ${otherId} (${otherSplit})`,
    found: 'the same image is in both splits',
    expected:
      'splits without a common image: a number measured on images that were trained on is worth nothing',
    next: 'remove one of the two images from the data',
  });
}
