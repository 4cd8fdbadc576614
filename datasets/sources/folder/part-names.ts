/** Folders of a data set's parts, in lower case. */
const partNames = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation', 'dev'],
  test: ['test', 'testing'],
} as const;

export type PartName = keyof typeof partNames;

export const partOrder: readonly PartName[] = ['train', 'val', 'test'];

/** Words that mean a part only beside another part, or in the name of a table. */
const partWords: ReadonlyMap<string, PartName> = new Map([
  ...partOrder.flatMap((part) => partNames[part].map((word) => [word, part] as const)),
  ['validate', 'val'],
  ['eval', 'val'],
  ['evaluation', 'val'],
  ['holdout', 'test'],
]);

/** What names of folders say beside the part: nothing about a class. */
const plainWords =
  'images image imgs img jpegimages pictures pics photos photo frames samples files data dataset set sets split folder folders dir subset jpg jpeg png original raw';

const plain: ReadonlySet<string> = new Set(plainWords.split(' '));
const glued = new RegExp(`^(${[...partWords.keys()].join('|')})(${[...plain].join('|')})$`);
const pieces: ReadonlySet<string> = new Set('part batch chunk shard archive fold group'.split(' '));

/** Folders that only hold what one would have expected where they lie. */
export const wrapperNames: readonly string[] = [
  'images',
  'image',
  'imgs',
  'img',
  'jpegimages',
  'data',
  'photos',
];

/** `val` for "val", "Validation", ...; undefined for other names. */
export function partOf(name: string): PartName | undefined {
  const lower = name.toLowerCase();
  return partOrder.find((part) => (partNames[part] as readonly string[]).includes(lower));
}

export interface PartLike {
  readonly part: PartName;
  /** The name without the word of the part: `*_images` of both train_images and test_images. */
  readonly frame: string;
  /** Nothing else is said: "Training Images", "val2017"; unlike "seg_train". */
  readonly isPlain: boolean;
}

/** The one part that a name speaks of ("train_images", "valset", "seg_test", "trainLabels"); undefined with none or two. */
export function partLike(name: string): PartLike | undefined {
  const words = wordsOf(name);
  const found = words.flatMap((word, index) => {
    const part = partWords.get(word) ?? partWords.get(glued.exec(word)?.[1] ?? '');
    return part === undefined ? [] : [{ part, index }];
  });
  const [only, second] = found;
  if (only === undefined || second !== undefined) return undefined;
  const suffix = glued.exec(words[only.index] ?? '')?.[2];
  const others = words.flatMap((word, index) => (index === only.index ? [] : [word]));
  return {
    part: only.part,
    frame: words
      .map((word, index) => (index === only.index ? `*${suffix === undefined ? '' : ` ${suffix}`}` : word))
      .join(' '),
    isPlain: others.every(isPlainWord),
  };
}

/** Whether a name says where images lie rather than what they show: "part_1", "images_002", "test_images". */
export function isContainerName(name: string): boolean {
  const words = wordsOf(name);
  const says = (word: string) =>
    plain.has(word) || pieces.has(word) || partWords.has(word) || glued.test(word);
  return words.some(says) && words.every((word) => says(word) || isPlainWord(word) || word.length === 1);
}

/** Whether pieces of one whole: "HAM_images_part_1" and "HAM_images_part_2", alike but for a number. */
export function areNumbered(names: readonly string[]): boolean {
  const frames = new Set(
    names.map((name) =>
      wordsOf(name)
        .map((word) => (/^\d+$/.test(word) ? '#' : word))
        .join(' '),
    ),
  );
  const [frame = ''] = frames;
  return (
    names.length > 1 &&
    frames.size === 1 &&
    frame.split(' ').some((word) => plain.has(word) || pieces.has(word))
  );
}

function isPlainWord(word: string): boolean {
  return plain.has(word) || /^\d+$/.test(word);
}

function wordsOf(name: string): string[] {
  return name
    .replace(/(\p{Ll})(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/u)
    .filter((word) => word !== '');
}
