import { fail } from '../util/failure.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { NamingTable } from './namings.ts';
import { listed } from './unsupported.ts';

/** A head's last part may have any of these names, alone or in a Sequential (`head.1`, `classifier.fc`). */
const heads =
  /^(?:heads?|mlp_head|fc_head|linear_head|classifier|cls_head|classification_head|fc|linear|lin|out|output)(?:\.\w+)*\.weight$/;

/**
 * Where the linear head of the model below `prefix` lies: under the library's own name, else as the only matrix under a
 * usual name that takes the model's width. Beside the model or around it: a wrapper that holds a `backbone` has the head.
 * @param table where the library puts it, and how many numbers it takes
 * @param told its name without `.weight`, from the user, who knows what stands around it
 * @returns its name without `.weight`, and what is unusual about it
 * @throws BlockForgeError `checkpoint-unsupported` where there are several, or layers before it; `config-invalid` where `told` is none
 */
export function findHead(
  { tensors, path }: StoredCheckpoint,
  prefix: string,
  table: Pick<NamingTable, 'head' | 'own'> & { readonly width: number | undefined },
  told?: string,
): { readonly name: string; readonly note?: string } {
  const { width } = table;
  if (told !== undefined) {
    const shape = tensors.get(`${told}.weight`)?.shape;
    const isTaking = width !== undefined && [width, 2 * width].includes(shape?.[1] ?? 0);
    if (shape?.length === 2 && isTaking) return { name: told, note: `the head is "${told}"` };
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.head',
      found: `"${told}"`,
      expected: `the name of a matrix of ${path} that takes the model's width of ${width}, or twice that (class token and mean), without ".weight"`,
    });
  }
  const usual = `${prefix}${table.head}`;
  for (const place of placesAround(prefix)) {
    const own = `${place}${table.head}`;
    if (tensors.has(`${own}.weight`)) {
      // Hugging Face itself puts the classifier beside the model.
      const expected = place === prefix || table.own?.test(prefix) === true;
      return { name: own, ...(!expected && { note: `the head is "${own}"` }) };
    }
    const found = [...tensors].filter(
      ([name, { shape }]) =>
        name.startsWith(place) &&
        heads.test(name.slice(place.length)) &&
        shape.length === 2 &&
        shape[1] === width,
    );
    if (found.length > 1) {
      fail({
        reason: 'checkpoint-unsupported',
        subject: path,
        found: `${found.length} matrices that may be the head: ${listed(found.map(([name]) => name))}`,
        expected: 'one linear layer',
        next: 'of heads that are not used, say so: teacher.hints.ignore: [NAME without .weight]; a head of several layers is not supported',
      });
    }
    const name = found[0]?.[0].replace(/\.weight$/, '');
    if (name === undefined) continue;
    const index = Math.max(0, ...name.slice(place.length).split('.').map(Number).filter(Number.isInteger));
    if (index > 1) {
      fail({
        reason: 'checkpoint-unsupported',
        subject: path,
        found: `the head ${name}, which ${index} layers without weights come before`,
        expected: 'one linear layer, with nothing but dropout before it',
        next: `where these layers are dropout or identities: teacher.hints: { head: ${name} }; a head with activations or norms is not supported`,
      });
    }
    return { name, note: `the head is "${name}"; a Sequential around it is taken to be dropout` };
  }
  return { name: usual };
}

/** Where a head lies, without `.weight`, and what is unusual about it. */
export interface FoundHead {
  readonly name: string;
  readonly note?: string;
  /** Not the library's own projection or nothing, but a classifier that somebody put on top. */
  readonly isClassifier?: true;
}

/**
 * Where the head of a tower lies, which has none by itself or a projection: there, or where the user says that a classifier is.
 * @param isPart whether a matrix is one of the tower's, as those of a pooling attention are
 * @throws BlockForgeError `checkpoint-unsupported` where nobody told one and a matrix may be it; `config-invalid` as `findHead`
 */
export function findTowerHead(
  stored: StoredCheckpoint,
  prefix: string,
  table: Pick<NamingTable, 'head' | 'own'> & { readonly width: number | undefined },
  told: string | undefined,
  isPart: (name: string) => boolean,
): FoundHead {
  const name = usualPlace(stored, prefix, table.head);
  if (told !== undefined && told !== name)
    return { ...findHead(stored, prefix, table, told), isClassifier: true };
  const others = headsIn(stored, headCandidates(stored, prefix, table)).filter(
    (other) => other !== name && !isPart(other),
  );
  const [first] = others;
  if (first === undefined) return { name };
  return fail({
    reason: 'checkpoint-unsupported',
    subject: stored.path,
    found: `an image tower, and ${listed(others)} beside it, which may be a classifier`,
    expected: 'to be told what the answer is',
    next: `teacher.hints: { head: ${first} } reads it, on what the tower pools; teacher.head: none leaves it out`,
  });
}

/** Where a head of the library's own name lies, below the prefix or above it; its place below where there is none. */
export function usualPlace({ tensors }: StoredCheckpoint, prefix: string, head: string): string {
  const places = placesAround(prefix).map((place) => `${place}${head}`);
  return places.find((name) => tensors.has(name) || tensors.has(`${name}.weight`)) ?? `${prefix}${head}`;
}

/** Every name, without `.weight`, that a head of the model below `prefix` may have in this file: what is left out with it. */
export function headCandidates(
  { tensors }: StoredCheckpoint,
  prefix: string,
  {
    head,
    distilledHeads,
    width,
  }: Pick<NamingTable, 'head' | 'distilledHeads'> & { readonly width: number | undefined },
  told?: string,
): readonly string[] {
  const usual = placesAround(prefix).flatMap((place) =>
    [head, ...(distilledHeads ?? [])].map((name) => `${place}${name}`),
  );
  const found = [...tensors]
    .filter(
      ([name, { shape }]) =>
        placesAround(prefix).some(
          (place) => name.startsWith(place) && heads.test(name.slice(place.length)),
        ) &&
        shape.length === 2 &&
        shape[1] === width,
    )
    .map(([name]) => name.replace(/\.weight$/, ''));
  return [...new Set([...usual, ...found, ...(told === undefined ? [] : [told])])];
}

/**
 * What is called like a head, its weight or what torch makes one of, beside the model or around it.
 * @param wanted the weight that the head would have
 */
export function headLike({ tensors }: StoredCheckpoint, wanted: string): readonly string[] {
  const place = wanted.replace(/[^.]*\.weight$/, '');
  const isWeight = /\.(?:weight\w*|parametrizations\.weight\.\w+)$/;
  return [...tensors.keys()].filter(
    (name) =>
      isWeight.test(name) &&
      placesAround(place).some(
        (around) =>
          name.startsWith(around) && heads.test(name.slice(around.length).replace(isWeight, '.weight')),
      ),
  );
}

/** Of the possible heads, those that are there. */
export function headsIn({ tensors }: StoredCheckpoint, heads: readonly string[]): readonly string[] {
  return heads.filter((head) => tensors.has(head) || tensors.has(`${head}.weight`));
}

/** The file without these heads. */
export function withoutHeads(stored: StoredCheckpoint, heads: readonly string[]): StoredCheckpoint {
  const isOfHead = (name: string) =>
    heads.some((head) => name === head || name === `${head}.weight` || name === `${head}.bias`);
  return { ...stored, tensors: new Map([...stored.tensors].filter(([name]) => !isOfHead(name))) };
}

/** The name without `.weight` of the distillation token's head, under the library's own name; undefined where there is none. */
export function findDistillationHead(
  { tensors }: StoredCheckpoint,
  prefix: string,
  { distilledHeads }: NamingTable,
): string | undefined {
  if (distilledHeads === undefined) return undefined;
  return placesAround(prefix)
    .map((place) => `${place}${distilledHeads[1]}`)
    .find((name) => tensors.has(`${name}.weight`));
}

/** The prefix, then what is left of it step by step, down to nothing. */
function placesAround(prefix: string): string[] {
  const steps = prefix.split('.').slice(0, -1);
  return [...steps.keys(), steps.length].reverse().map((count) =>
    steps
      .slice(0, count)
      .map((step) => `${step}.`)
      .join(''),
  );
}
