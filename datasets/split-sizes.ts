import { fail } from '../pipeline/util/failure.ts';
import type { DrawnSplit, Origin, Source, SplitSources } from './contract.ts';

const partWords: Readonly<Record<Origin, string>> = {
  train: 'training images',
  val: 'validation images',
  test: 'test images',
  all: 'images',
};
const order: readonly DrawnSplit[] = ['test', 'selection', 'calibration'];

type Parts = ReadonlyMap<Origin, number>;

/**
 * Refuses splits that ask for more than their part of the source has, before any image is read.
 * @param parts how many images each part has
 * @throws BlockForgeError `data-invalid` with what every part has and what can be done
 */
export function refuseTooFew(source: Source, sources: SplitSources, parts: Parts): void {
  for (const from of new Set(order.map((name) => sources[name].from))) {
    const sharing = order.filter((name) => from === 'all' || sources[name].from === from);
    const available = imagesOf(parts, from);
    if (available < sum(sharing, sources)) {
      failTooFew(source, `${count(available)} ${partWords[from]}`, sharing, sources, parts);
    }
  }
}

/** Images that cannot be used left too few. @param usable that were found for the split */
export function refuseFewUsable(
  source: Source,
  name: DrawnSplit,
  usable: number,
  sources: SplitSources,
  parts: Parts,
): never {
  return failTooFew(source, `${count(usable)} usable images left for ${name}`, [name], sources, parts);
}

function failTooFew(
  source: Source,
  found: string,
  names: readonly DrawnSplit[],
  sources: SplitSources,
  parts: Parts,
): never {
  const needed = names.map((name) => `${name} ${count(sources[name].images)}`).join(' + ');
  const { from } = sources[names[0]!];
  const available = imagesOf(parts, from);
  const all = [...parts].map(([part, images]) => `${part} ${count(images)}`).join(', ');
  const keys = names.map((name) => `data.splits.${name}`);
  const lower =
    names.length === 1
      ? `lower ${keys.join()} to at most ${count(available)}`
      : `lower ${keys.slice(0, -1).join(', ')} or ${keys.at(-1)}`;
  return fail({
    reason: 'data-invalid',
    subject: source.description,
    found: parts.size > 1 ? `${found}; the data has ${all}` : found,
    expected: `at least ${count(sum(names, sources))} (${needed})`,
    next: [lower, ...elsewhere(names, sources, parts), 'add images'].join('; or '),
  });
}

/** Another part that has room for one of the splits; the training images only where no other has. */
function elsewhere(names: readonly DrawnSplit[], sources: SplitSources, parts: Parts): string[] {
  for (const part of ['val', 'test', 'train'] as const) {
    const free =
      imagesOf(parts, part) -
      sum(
        order.filter((name) => sources[name].from === part),
        sources,
      );
    const name = names.find((one) => sources[one].from !== part && sources[one].images <= free);
    if (name === undefined) continue;
    const warned = part === 'train' && name !== 'calibration' ? ' (every table warns of that)' : '';
    const { images } = sources[name];
    return [`take ${name} from ${part}${warned}: data.splits.${name}: { images: ${images}, from: ${part} }`];
  }
  return [];
}

function imagesOf(parts: Parts, from: Origin): number {
  return from === 'all' ? [...parts.values()].reduce((a, b) => a + b, 0) : (parts.get(from) ?? 0);
}

function sum(names: readonly DrawnSplit[], sources: SplitSources): number {
  return names.reduce((total, name) => total + sources[name].images, 0);
}

function count(images: number): string {
  return images.toLocaleString('en');
}
