import { fail } from '../pipeline/util/failure.ts';
import type { DrawnSplit, Item, Origin, SplitSources } from './contract.ts';

const partWords: Readonly<Record<Origin, string>> = {
  train: 'training images',
  val: 'validation images',
  test: 'test images',
  all: 'images',
};
const order: readonly DrawnSplit[] = ['test', 'selection', 'calibration'];

type Parts = ReadonlyMap<Origin, number>;

/** One to learn from and one that is held out. */
const leastToTrain = 2;

/** How many images each part of a source has; parts without any are not in it. */
export function countParts(items: readonly Pick<Item, 'origin'>[]): Parts {
  const counts = new Map<Origin, number>();
  for (const { origin } of items) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  return counts;
}

/** The part that a teacher is trained on where it is trained here, without its selection and test images. */
export function trainingPart(parts: ReadonlyMap<Origin, unknown>): Origin {
  const [only, second] = parts.keys();
  return parts.has('train') || only === undefined ? 'train' : second === undefined ? only : 'all';
}

/**
 * Refuses splits that ask for more than their part of the source has, before any image is read.
 * @param subject names the data
 * @param parts how many images each part has
 * @param trains images must also be left to train a teacher on
 * @throws BlockForgeError `data-invalid` with what every part has and what can be done
 */
export function refuseTooFew(subject: string, sources: SplitSources, parts: Parts, trains = false): void {
  for (const from of new Set(order.map((name) => sources[name].from))) {
    const sharing = sharingWith(from, sources);
    const available = imagesOf(parts, from);
    if (available < sum(sharing, sources)) {
      failTooFew(
        subject,
        { found: `${count(available)} ${partWords[from]}`, available },
        sharing,
        sources,
        parts,
      );
    }
  }
  if (!trains) return;
  const from = trainingPart(parts);
  const beside = order.filter(
    (name) =>
      name !== 'calibration' && sources[name].images > 0 && [from, 'all'].includes(sources[name].from),
  );
  const left = imagesOf(parts, from) - sum(beside, sources);
  if (left >= leastToTrain) return;
  fail({
    reason: 'data-invalid',
    subject,
    found: `${count(imagesOf(parts, from))} ${partWords[from]}, ${count(sum(beside, sources))} of them for ${beside.join(' and ')}`,
    expected: `at least ${leastToTrain} images left that the teacher is trained on`,
    next: `lower ${beside.map((name) => `data.splits.${name}`).join(' or ')}; or add images`,
  });
}

/**
 * Images that cannot be used left too few.
 * @param drawn what the splits have until now, this one last
 * @param copies that were left out
 */
export function refuseFewUsable(
  subject: string,
  name: DrawnSplit,
  drawn: Readonly<Record<DrawnSplit, { readonly length: number }>>,
  copies: number,
  sources: SplitSources,
  parts: Parts,
): never {
  const { from } = sources[name];
  const available = sharingWith(from, sources).reduce((total, one) => total + drawn[one].length, 0);
  const others = sharingWith(from, sources).filter((one) => one !== name);
  const room = available - sum(others, sources);
  const without = copies === 0 ? '' : `, without ${count(copies)} with the content of others`;
  const found = `${count(drawn[name].length)} usable images left for ${name}${without}`;
  // Where splits that are drawn later need the rest, lowering this one alone would not do.
  return room > 0 || others.length === 0
    ? failTooFew(subject, { found, available: room }, [name], sources, parts)
    : failTooFew(
        subject,
        { found: `${found} (${count(available)} for ${[...others, name].join(', ')})`, available },
        sharingWith(from, sources),
        sources,
        parts,
      );
}

function sharingWith(from: Origin, sources: SplitSources): DrawnSplit[] {
  return order.filter((name) => from === 'all' || sources[name].from === from);
}

function failTooFew(
  subject: string,
  { found, available }: { readonly found: string; readonly available: number },
  names: readonly DrawnSplit[],
  sources: SplitSources,
  parts: Parts,
): never {
  const needed = names.map((name) => `${name} ${count(sources[name].images)}`).join(' + ');
  const all = [...parts].map(([part, images]) => `${part} ${count(images)}`).join(', ');
  const keys = names.map((name) => `data.splits.${name}`);
  const lower =
    names.length > 1
      ? [`lower ${keys.slice(0, -1).join(', ')} or ${keys.at(-1)}`]
      : available > 0
        ? [`lower ${keys.join()} to at most ${count(available)}`]
        : [];
  return fail({
    reason: 'data-invalid',
    subject,
    found: parts.size > 1 ? `${found}; the data has ${all}` : found,
    expected: `at least ${count(sum(names, sources))} (${needed})`,
    next: [...lower, ...elsewhere(names, sources, parts), 'add images'].join('; or '),
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
