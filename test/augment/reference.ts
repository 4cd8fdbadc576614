import { readFileSync } from 'node:fs';
import type { Box } from '../../pipeline/augment/box.ts';
import type { Picture } from '../../pipeline/augment/picture.ts';
import type { Extent, ImageSize } from '../../pipeline/model/family/image-size.ts';
import type { Random } from '../../pipeline/util/random.ts';

interface StoredPicture extends Omit<Picture, 'pixels'> {
  readonly pixels: string;
}

/** What `test/fixtures/augment/make.py` writes. */
interface Reference {
  readonly fill: readonly number[];
  readonly images: Readonly<Record<string, StoredPicture>>;
  readonly operations: readonly {
    readonly image: string;
    readonly name: string;
    readonly magnitude: number;
    readonly negated: boolean;
    readonly pixels: string;
  }[];
  readonly jitters: readonly {
    readonly image: string;
    readonly share: number;
    readonly order: readonly number[];
    readonly draws: readonly number[];
    readonly pixels: string;
  }[];
  readonly cuts: readonly {
    readonly extent: Extent;
    readonly lambda: number;
    readonly centre: readonly number[];
    readonly box: Box;
    readonly corrected: number;
  }[];
  readonly mixes: readonly {
    readonly lambda: number;
    readonly centre: readonly number[] | null;
    readonly pixels: readonly number[];
    readonly targets: readonly (readonly number[])[];
  }[];
  readonly erasures: readonly {
    readonly size: ImageSize;
    readonly draws: readonly number[];
    readonly box: Box | null;
  }[];
}

const file = new URL('../fixtures/augment/expected.json', import.meta.url);
export const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;

export function pixelsOf(stored: string): Uint8Array {
  return new Uint8Array(Buffer.from(stored, 'base64'));
}

export function pictureOf(image: string): Picture {
  const stored = reference.images[image]!;
  return { ...stored, pixels: pixelsOf(stored.pixels) };
}

/** Gives the numbers told, in turn; whatever is drawn beyond them is an error. */
export function told(numbers: {
  readonly next?: readonly number[];
  readonly integer?: readonly number[];
  readonly order?: readonly number[];
}): Random {
  const [next, integer] = [[...(numbers.next ?? [])], [...(numbers.integer ?? [])]];
  const first = (of: number[]): number => {
    const value = of.shift();
    if (value === undefined) throw new Error('drawn more often than told');
    return value;
  };
  return {
    next: () => first(next),
    integer: (n) => (numbers.integer ? first(integer) : Math.floor(first(next) * n)),
    normal: () => 0.5,
    shuffle(items) {
      const before = Array.from(items as ArrayLike<unknown>);
      Object.assign(
        items,
        numbers.order?.map((from) => before[from]),
      );
      return items;
    },
  };
}
