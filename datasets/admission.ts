import { BlockForgeError } from '../pipeline/util/failure.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { mapConcurrent } from './concurrent.ts';
import type { Item, Source, SplitItem } from './contract.ts';
import { failUnusable, mostRead } from './unusable.ts';

/** Lets images into splits: once per content, and only those that can be read. */
export interface Admission {
  /** In the order given; what is refused is in `skipped` with its reason. */
  admit(items: readonly Item[]): Promise<{ kept: SplitItem[]; refused: Item[] }>;
  readonly skipped: readonly Skipped[];
  /** @throws BlockForgeError `data-invalid` where more images were unusable than are allowed */
  refuseUnusable(): void;
  /** Images left out since another has their content. */
  copies(): number;
  /** Sentences on what was left out, where anything was. */
  warnings(): string[];
}

interface Skipped {
  readonly id: string;
  readonly why: string;
}

/** Examples that a sentence names. */
const listed = 3;

/**
 * @param examine hashes an image's content and, where it also decodes it, rejects with the reason it is unusable.
 * @param asked images; of these the share `maxCorruptShare` may be unusable, at 1 any number.
 */
export function createAdmission(options: {
  readonly source: Source;
  readonly examine: (item: Item) => Promise<Sha256>;
  readonly asked: number;
  readonly maxCorruptShare: number;
  readonly signal?: AbortSignal | undefined;
  readonly onExamined?: (count: number) => void;
}): Admission {
  const { source, examine, asked, maxCorruptShare, signal, onExamined } = options;
  const allowed = maxCorruptShare === 1 ? Infinity : Math.floor(maxCorruptShare * asked);
  const seen = new Map<Sha256, Item>();
  const skipped: Skipped[] = [];
  const unusable: Skipped[] = [];
  const refusedOf = new Map<number, number>();
  let examined = 0;
  const copies: { readonly item: Item; readonly first: Item }[] = [];
  const refuseUnusable = () => {
    if (unusable.length > allowed) failUnusable(source, unusable, { examined, allowed, asked });
  };

  const hashOrReason = async (item: Item): Promise<Sha256 | { why: string }> => {
    try {
      return await examine(item);
    } catch (error) {
      // Our own failures (a full disk) are not the image's fault.
      if (error instanceof BlockForgeError) throw error;
      const entry = { id: item.id, why: firstLine(error) };
      unusable.push(entry);
      if (unusable.length >= mostRead(allowed)) refuseUnusable();
      return entry;
    }
  };

  return {
    skipped,
    refuseUnusable,
    copies: () => copies.length,
    async admit(items) {
      source.expect?.(items);
      const results = await mapConcurrent(items, hashOrReason, {
        signal,
        onDone: (count) => {
          examined += count;
          onExamined?.(count);
        },
      });
      const kept: SplitItem[] = [];
      const refused: Item[] = [];
      const refuse = (item: Item, why: string) => {
        skipped.push({ id: item.id, why });
        refused.push(item);
        refusedOf.set(item.label, (refusedOf.get(item.label) ?? 0) + 1);
      };
      items.forEach((item, index) => {
        const result = results[index]!;
        if (typeof result !== 'string') return refuse(item, result.why);
        const first = seen.get(result);
        if (first !== undefined) {
          copies.push({ item, first });
          return refuse(item, `the same content as ${first.id}`);
        }
        seen.set(result, item);
        kept.push({ id: item.id, label: item.label, sha256: result });
      });
      return { kept, refused };
    },
    warnings() {
      const within = copies.filter(({ item, first }) => item.origin === first.origin);
      const across = copies.filter(({ item, first }) => item.origin !== first.origin);
      const examples = (found: typeof copies) =>
        `(e.g. ${found
          .slice(0, listed)
          .map(({ item, first }) => `${item.id} = ${first.id}`)
          .join('; ')})`;
      const relabelled = within.filter(({ item, first }) => item.label !== first.label).length;
      const other = relabelled === 0 ? '' : `, ${relabelled} of them under another class`;
      const classes = source.items.reduce(
        (counts, { label }) => counts.set(label, (counts.get(label) ?? 0) + 1),
        new Map<number, number>(),
      );
      const lost = [...classes].filter(([label, count]) => refusedOf.get(label) === count);
      return [
        ...(within.length === 0
          ? []
          : [`${plural(within.length, 'duplicate image')} left out${other} ${examples(within)}`]),
        ...(across.length === 0
          ? []
          : [
              `${plural(across.length, 'image')} of one part of the data with the content of another part's left out ` +
                `${examples(across)}; only images that were drawn are compared: there may be more`,
            ]),
        ...(unusable.length === 0
          ? []
          : [
              `${plural(unusable.length, 'unusable image')} skipped, e.g. ${unusable
                .slice(0, listed)
                .map(({ id, why }) => `${id}: ${why}`)
                .join('; ')}`,
            ]),
        ...lost.map(
          ([label, count]) =>
            `class ${source.classes[label]} is in no split: none of its ${plural(count, 'image')} could be used`,
        ),
      ];
    },
  };
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
}
