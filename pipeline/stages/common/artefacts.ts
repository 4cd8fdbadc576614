import type { Preprocessing, SplitItem, SplitName } from '../../../datasets/contract.ts';
import type { Config } from '../../config/schema.ts';
import type { Interval } from '../../measure/interval.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { JobId } from '../../runner/contract.ts';
import type { Sha256 } from '../../util/hash.ts';

/** Jobs that every method has, and what they write: whoever reads it learns its name and its type here. */
export const splitsJob: JobId = 'data/splits';
export const teacherJob: JobId = 'teacher/model';
export const teacherCheckJob: JobId = 'teacher/check';
/** Only of a teacher without a classifier. */
export const teacherIndexJob: JobId = 'teacher/index';

/** A split in a file of its own: whoever reads one does not depend on the others. */
export const splitFile = (name: SplitName): string => `${name}.json`;

export const commonFiles = {
  classes: 'classes.json',
  sources: 'sources.json',
  skipped: 'skipped.json',
  teacher: 'teacher.safetensors',
  teacherInfo: 'teacher.json',
  /** Of a teacher that only a part is used of: the head of all its classes. */
  teacherHead: 'teacher-head.safetensors',
  history: 'history.json',
  check: 'check.json',
  /** What features are compared with. */
  index: 'index.safetensors',
  /** How a head was fitted. */
  head: 'head.json',
} as const;

/** The same members as a type of its own: an interface may not stand in a job's settings, which are JSON. */
export type Plain<T> = { readonly [Key in keyof T]: T[Key] };

export interface SplitFile {
  readonly items: readonly SplitItem[];
  /** Over ids, labels and contents, in their order. */
  readonly sha256: Sha256;
}

/** What `teacher/model` says beside the weights: what every job that needs them depends on, too. */
export interface TeacherInfo {
  readonly architecture: Architecture;
  /** How an image becomes the teacher's input. */
  readonly preprocessing: Preprocessing;
}

/** What `teacher/check` writes. */
export interface TeacherCheck {
  readonly images: number;
  readonly top1: Interval;
  /** Of the whole teacher, where the model is a part of it: right among all classes. */
  readonly unrestrictedTop1?: Interval | undefined;
}

/** How a head was fitted, as `teacher/model` writes it: percent, the negative log-likelihood in nats. */
export type HeadFile = {
  readonly images: number;
  /** Of the head that was fitted without them. */
  readonly heldOut: {
    readonly images: number;
    readonly top1: number;
    readonly low: number;
    readonly high: number;
    readonly nll: number;
  };
  readonly ridge: number;
  readonly temperature: number;
};

/**
 * Where a job finds the images of the splits. Their contents are known from `data/splits`, so a job that needs it gets this
 * as `handling`: data that was moved is the same data.
 */
export type ImageAccess = {
  readonly data: Config['data'];
  /** Draws the images of `shapes`. */
  readonly seed: number;
};

export type ImageHandling = { readonly images: ImageAccess };

/**
 * Images in batches. Every image is scored by itself, so their size changes time and memory; what is summed over the images
 * of a batch (`statistics.batchSize`) is a setting instead. An engine may round the last digits of a score otherwise in
 * batches of another size, as it may with another number of threads: neither makes finished work stale.
 */
export type BatchHandling = ImageHandling & { readonly batchSize: number };

/** `[0, 1, ..., count - 1]` */
export function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The part of `count` items that shard `shard` of `shards` works on: contiguous, sizes differ by at most one. */
export function shardRange(count: number, shard: number, shards: number): { start: number; end: number } {
  return { start: Math.floor((count * shard) / shards), end: Math.floor((count * (shard + 1)) / shards) };
}
