import { BlockForgeError, fail } from '../pipeline/util/failure.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { mapConcurrent } from './concurrent.ts';
import type { Item, Source, SplitItem, SplitName } from './contract.ts';
import { failOverlap } from './overlap.ts';

/** Lets images into splits: once per content, and only those that can be read. */
export interface Admission {
  /** In the order given; what is refused is in `skipped` with its reason. */
  admit(items: readonly Item[], split: SplitName): Promise<{ kept: SplitItem[]; refused: Item[] }>;
  readonly skipped: readonly { readonly id: string; readonly why: string }[];
  /** A sentence on the duplicates left out, where there were any. */
  duplicateWarning(): string | undefined;
}

const listed = 5;

/**
 * @param examine hashes an image's content and, where it also decodes it, rejects with the reason it is unusable.
 * @param allowedCorrupt more unusable images than this stop the run.
 */
export function createAdmission(options: {
  readonly source: Source;
  readonly examine: (item: Item) => Promise<Sha256>;
  readonly allowedCorrupt: number;
  readonly signal?: AbortSignal | undefined;
  readonly onExamined?: (count: number) => void;
}): Admission {
  const { source, examine, allowedCorrupt, signal, onExamined } = options;
  const seen = new Map<Sha256, { readonly item: Item; readonly split: SplitName }>();
  const skipped: { id: string; why: string }[] = [];
  const corrupt: { id: string; why: string }[] = [];
  let examined = 0;
  const duplicates = { count: 0, relabelled: 0, first: '' };

  const hashOrReason = async (item: Item): Promise<Sha256 | { why: string }> => {
    try {
      return await examine(item);
    } catch (error) {
      // Our own failures (a full disk) are not the image's fault.
      if (error instanceof BlockForgeError) throw error;
      const entry = { id: item.id, why: firstLine(error) };
      corrupt.push(entry);
      if (corrupt.length > allowedCorrupt) failCorrupt(source, corrupt, examined, allowedCorrupt);
      return entry;
    }
  };

  return {
    skipped,
    async admit(items, split) {
      const results = await mapConcurrent(items, hashOrReason, {
        signal,
        onDone: (count) => {
          examined += count;
          onExamined?.(count);
        },
      });
      const kept: SplitItem[] = [];
      const refused: Item[] = [];
      items.forEach((item, index) => {
        const result = results[index]!;
        if (typeof result !== 'string') {
          skipped.push({ id: item.id, why: result.why });
          refused.push(item);
          return;
        }
        const first = seen.get(result);
        if (first === undefined) {
          seen.set(result, { item, split });
          kept.push({ id: item.id, label: item.label, sha256: result });
          return;
        }
        // Across the source's own train and test only its owner can say which copy is wrong; a packed file, which
        // nobody edits, keeps the test copy.
        if (first.item.origin !== item.origin && source.packed !== true) {
          failOverlap(first.item.id, first.split, item.id, split);
        }
        if (duplicates.count++ === 0) duplicates.first = `${item.id} = ${first.item.id}`;
        if (first.item.label !== item.label) duplicates.relabelled++;
        skipped.push({ id: item.id, why: `the same content as ${first.item.id}` });
        refused.push(item);
      });
      return { kept, refused };
    },
    duplicateWarning() {
      const { count, relabelled, first } = duplicates;
      if (count === 0) return undefined;
      const other = relabelled === 0 ? '' : `, ${relabelled} of them under another class`;
      return `${count} duplicate image${count === 1 ? '' : 's'} left out${other} (e.g. ${first})`;
    },
  };
}

function failCorrupt(
  source: Source,
  corrupt: readonly { readonly id: string; readonly why: string }[],
  examined: number,
  allowed: number,
): never {
  const shown = corrupt.slice(0, listed).map(({ id, why }) => `${id} (${why})`);
  return fail({
    reason: 'data-invalid',
    subject: source.description,
    found: `${corrupt.length} unusable image${corrupt.length === 1 ? '' : 's'} after about ${examined + 1} examined: ${shown.join('; ')}${corrupt.length > listed ? '; ...' : ''}`,
    expected: `at most ${allowed} (data.maxCorruptShare of the images asked for)`,
    next: 'repair or remove them, or raise data.maxCorruptShare',
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
}
