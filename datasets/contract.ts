import type { ImageSize } from '../pipeline/model/family/image-size.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';

/** One image as a source knows it. `id` is stable over machines: a relative path, or `train:00042`. */
export interface Item {
  readonly id: string;
  /** Class index, 0-based. */
  readonly label: number;
  /** The source's own split, where it has one. */
  readonly origin: Origin;
}

/** Which part of its source an image is of; `all` where the source is in one part. */
export type Origin = 'train' | 'val' | 'test' | 'all';

/** Pixels as stored: height x width x channels, 8 bits, row-major. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** A place images come from. Opening lists items without decoding them. */
export interface Source {
  /** e.g. "folder photos/ (1,000 images, 1,000 classes)" */
  readonly description: string;
  readonly classes: readonly string[];
  readonly items: readonly Item[];
  /** Content is pixels in memory: decoding costs nothing, so an image of the right size needs no cache. */
  readonly packed?: boolean;
  /** What lies there and what of it is read, in sentences, and what of that should be looked at. */
  readonly account?: { readonly lines: readonly string[]; readonly warnings: readonly string[] } | undefined;
  /** These are going to be asked for, about in this order: what is cheaper made together may be. */
  readonly expect?: ((items: readonly Item[]) => void) | undefined;
  /** The undecoded content, for hashing: file bytes, or raw pixels for packed sources. */
  content(item: Item): Promise<Uint8Array>;
  /** Decodes one image. Rejects with an Error that says why the image is unusable. */
  decode(item: Item, content: Uint8Array): Promise<Image>;
}

export const interpolations = ['bicubic', 'bilinear', 'nearest', 'lanczos', 'box', 'hamming'] as const;
export type Interpolation = (typeof interpolations)[number];

/** Image -> model input, complete: what the teacher was trained with. */
export interface Preprocessing {
  /** Shortest side after resizing, or [height, width] to cover (`shortest`) or to become (`stretch`); null keeps the size. */
  readonly resize: ImageSize | null;
  readonly resizeMode: 'shortest' | 'stretch';
  /** Pillow's filters. */
  readonly interpolation: Interpolation;
  /** The centre crop: the model's image size. */
  readonly crop: ImageSize;
  /** Where the middle lies between two pixels: absent as torchvision rounds (half to even), `down` as transformers does. */
  readonly cropRounding?: 'down' | undefined;
  readonly channels: 1 | 3;
  /** Per channel, on the 0..1 scale: (x / 255 - mean) / std. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export const splitNames = ['train', 'calibration', 'selection', 'test'] as const;
/** `train` exists only when the teacher is trained here; calibration may overlap it, nothing else overlaps. */
export type SplitName = (typeof splitNames)[number];

export interface SplitItem {
  readonly id: string;
  readonly label: number;
  readonly sha256: Sha256;
}

/** What is drawn: the data stage writes every split to a file of its own. */
export interface Splits {
  readonly classes: readonly string[];
  /** Which part of the source each split was drawn from. */
  readonly sources: SplitSources;
  readonly items: Readonly<Record<SplitName, readonly SplitItem[]>>;
  /** Hash over ids, labels and content of each split, for provenance. */
  readonly hashes: Readonly<Record<SplitName, Sha256>>;
  readonly skipped: readonly { readonly id: string; readonly why: string }[];
}

/** A split that is drawn in the size asked for; `train` is what is left. */
export type DrawnSplit = Exclude<SplitName, 'train'>;

/** Where the images of a split come from. A type, not an interface, so that it is JSON. */
export type SplitSource = {
  readonly images: number;
  readonly from: Origin;
  /** Of selection and test: the teacher may have been trained on these images, which flatters every number on them. */
  readonly mayBeTrainedOn: boolean;
};

export type SplitSources = Readonly<Record<DrawnSplit, SplitSource>>;

/** A batch as typed arrays, before it becomes a tensor: `pixels` [B, height, width, C] uint8 after resize and crop. */
export interface RawBatch {
  readonly ids: readonly string[];
  readonly labels: Int32Array;
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly size: ImageSize;
  readonly channels: 1 | 3;
}
