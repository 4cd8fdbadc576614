/** A label of a teacher, with what else is said of it. */
export interface Label {
  readonly name: string;
  readonly description?: string | undefined;
}

/** How a class of the data was found among the labels; the strictest way that finds it. */
export type MatchRule =
  | 'exactly'
  | 'but for case, spaces and punctuation'
  | 'by WordNet id'
  | 'by a synonym'
  | 'but for a leading number';

export interface LabelMatch {
  /** For each class of the data its place among the labels; undefined where it has none. */
  readonly places: readonly (number | undefined)[];
  /** How many were found in each way. */
  readonly rules: ReadonlyMap<MatchRule, number>;
  /** For each class of the data the way it was found in. */
  readonly ways: readonly (MatchRule | undefined)[];
  /** Classes that could be several labels, or one label that several classes could be. */
  readonly ambiguous: readonly { readonly names: readonly string[]; readonly labels: readonly number[] }[];
}

/** What a name is called in one way: two names that share one may be the same class. */
type Keys = (texts: readonly string[], strip: Strip) => readonly string[];

type Strip = (text: string) => string;

/** Strictest first. A way is tried on what those before it left. */
const waysToMatch: readonly (readonly [MatchRule, Keys])[] = [
  ['exactly', (texts) => texts.slice(0, 1).map((name) => name.normalize('NFC'))],
  ['but for case, spaces and punctuation', (texts) => texts.map(plain)],
  ['by WordNet id', (texts) => texts.slice(0, 1).flatMap(wordNetIds)],
  ['by a synonym', (texts) => texts.flatMap(synonyms).map(plain)],
  ['but for a leading number', (texts, strip) => texts.flatMap(synonyms).map(strip).map(plain)],
];

/**
 * Finds each class of the data among a teacher's labels by what they are called, tolerant only where nothing else could be
 * meant: a class that fits two labels in the first way that finds it, and two classes that fit one label, are `ambiguous`
 * (but for a WordNet id, which tells them apart).
 */
export function matchLabels(classes: readonly string[], labels: readonly Label[]): LabelMatch {
  const places: (number | undefined)[] = classes.map(() => undefined);
  const ways: (MatchRule | undefined)[] = classes.map(() => undefined);
  const taken = new Set<number>();
  const rules = new Map<MatchRule, number>();
  const ambiguous = new Map<number, readonly number[]>();
  const [stripClass, stripLabel] = numberStrippers(
    classes,
    labels.map(({ name }) => name),
  );
  for (const [rule, keysOf] of waysToMatch) {
    if (taken.size === classes.length) break;
    const labelsOf = new Map<string, Set<number>>();
    labels.forEach(({ name, description }, index) => {
      if (taken.has(index)) return;
      const texts = description === undefined ? [name] : [name, description];
      for (const key of keysOf(texts.flatMap(withoutId), stripLabel)) {
        if (key !== '') addTo(labelsOf, key, index);
      }
    });
    const found = new Map<number, Set<number>>();
    classes.forEach((name, index) => {
      if (places[index] !== undefined) return;
      // What is meant twice is not decided by what happens to be left.
      if (ambiguous.has(index) && rule !== 'by WordNet id') return;
      const fits = new Set(keysOf([name], stripClass).flatMap((key) => [...(labelsOf.get(key) ?? [])]));
      if (fits.size > 0) found.set(index, fits);
    });
    const wanted = new Map<number, number[]>();
    for (const [index, fits] of found) {
      for (const label of fits) wanted.set(label, [...(wanted.get(label) ?? []), index]);
    }
    for (const [index, fits] of found) {
      const [label, other] = fits;
      if (label !== undefined && other === undefined && wanted.get(label)?.length === 1) {
        places[index] = label;
        ways[index] = rule;
        taken.add(label);
        rules.set(rule, (rules.get(rule) ?? 0) + 1);
        ambiguous.delete(index);
      } else if (!ambiguous.has(index)) ambiguous.set(index, [...fits]);
    }
  }
  return { places, rules, ways, ambiguous: groups(classes, ambiguous) };
}

/**
 * The words and numbers alone; of other scripts, too. What tells numbers and grades apart stays: "-1", "0.5", "1-2", "A+",
 * "A-", "C#"; of a name that is a number leading zeros go.
 */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/^0+(?=\d+$)/, '')
    .replace(/(?<=^|[\s_(])[-\u2212](?=\.?\d)|(?<=[\p{L}\p{N}])[-\u2212]$/gu, '\u2212')
    .replace(/(?<=\d)[^\p{L}\p{M}\p{N}]+(?=\d)/gu, (between) => (between === '.' ? '\u2219' : '\u2236'))
    .replace(/[^\p{L}\p{M}\p{N}\p{Sm}#%]/gu, '');
}

/** "tench, Tinca tinca" -> itself, "tench", "Tinca tinca" */
function synonyms(text: string): string[] {
  return [text, ...text.split(/(?<!\d)[,;|]|[,;|](?!\d)/)].map((part) => part.trim());
}

const leadingNumber = /^(\d+)[\s._:,;=|-]+(?=\S)/;

/**
 * Take the number from "001.Black_footed_Albatross", "12 - tulip" where it numbers the names of one side: each has one, and
 * another. "2 euro" beside "rose" keeps its own, and where both sides are numbered the numbers have to agree.
 */
function numberStrippers(classes: readonly string[], labels: readonly string[]): readonly [Strip, Strip] {
  const [one, other] = [isNumbered(classes), isNumbered(labels)];
  const keep: Strip = (text) => text;
  const strip: Strip = (text) => text.replace(leadingNumber, '');
  const byValue: Strip = (text) => text.replace(leadingNumber, (_, digits) => `${Number(digits)} `);
  if (one && other) return [byValue, byValue];
  return [one ? strip : keep, other ? strip : keep];
}

function isNumbered(names: readonly string[]): boolean {
  const numbers = names.map((name) => leadingNumber.exec(name)?.[1]);
  return !numbers.includes(undefined) && new Set(numbers.map(Number)).size === names.length;
}

const wordNetId = /(?<![\p{L}\p{N}])n\d{8}(?!\d)/giu;

/** Of a name with exactly one: "n01440764", "0000-n01440764", "n01440764_tench". */
function wordNetIds(text: string): string[] {
  const found = text.toLowerCase().match(wordNetId) ?? [];
  return found.length === 1 ? found : [];
}

/** A line of ImageNet's lists, "n01440764 tench, Tinca tinca", is the label behind the id, too. */
function withoutId(text: string): string[] {
  const [, label] = /^n\d{8}[\s,:=-]+(\S.*)$/i.exec(text) ?? [];
  return label === undefined ? [text] : [text, label];
}

function addTo(map: Map<string, Set<number>>, key: string, value: number): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

/** Classes that fit the same labels are told of together. */
function groups(
  classes: readonly string[],
  ambiguous: ReadonlyMap<number, readonly number[]>,
): LabelMatch['ambiguous'] {
  const byLabels = new Map<string, { names: string[]; labels: readonly number[] }>();
  for (const [index, labels] of ambiguous) {
    const key = labels.join();
    const group = byLabels.get(key);
    if (group === undefined) byLabels.set(key, { names: [classes[index]!], labels });
    else group.names.push(classes[index]!);
  }
  return [...byLabels.values()];
}
