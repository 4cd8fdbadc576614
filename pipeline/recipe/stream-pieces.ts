import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import { advance } from '../compress/advance.ts';
import {
  downloadPacked,
  pack,
  uploadPacked,
  type PackedStream,
  type PackedTensors,
} from '../compress/packed-stream.ts';
import { blockTokens, blockWidth } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { enterEncoder } from '../model/encoder.ts';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { ImageSplit } from './calibration.ts';
import type { ImageBatch } from './evidence.ts';
import { streamBytes } from './stream-files.ts';
import type { StreamStore } from './stream-store.ts';

/** Images of a piece: enough that calls cost nothing beside their work, few enough that attention stays in the caches. */
const pieceImages = 25;

/** Images that go through the model together. */
export interface Piece<Item> {
  readonly index: number;
  readonly items: readonly Item[];
  readonly heldOut: boolean;
  /** Whether its streams are kept between two blocks; if not, they are made again from its pixels. */
  readonly kept: boolean;
}

/** Held-out images have the first right to the store's bytes: they are few, and the error of every block asks for them. */
export function piecesOf<Item>(
  { training, heldOut }: ImageSplit<Item>,
  bytes: number,
  bytesPerImage: number,
): Piece<Item>[] {
  const cut = (items: readonly Item[]) =>
    Array.from({ length: Math.ceil(items.length / pieceImages) }, (_, i) =>
      items.slice(i * pieceImages, (i + 1) * pieceImages),
    );
  // One more lies beside the others while it takes their place.
  let left = bytes - pieceImages * bytesPerImage;
  const isKept = ({ length }: readonly Item[]): boolean => {
    left -= length * bytesPerImage;
    return left >= 0;
  };
  const held = cut(heldOut).map((items) => ({ items, heldOut: true, kept: isKept(items) }));
  const used = cut(training).map((items) => ({ items, heldOut: false, kept: isKept(items) }));
  return [...used, ...held].map((piece, index) => ({ ...piece, index }));
}

/** Bytes of the streams of an image, the teacher's and one per level, in the block where they are largest. */
export function imageStreamBytes(architecture: ModelTensors['architecture'], levels: number): number {
  const sizes = Array.from({ length: architecture.depth }, (_, block) =>
    streamBytes(blockTokens(architecture, block), blockWidth(architecture, block)),
  );
  return (1 + levels) * Math.max(...sizes);
}

export interface PieceVisit<Item> {
  readonly model: ModelTensors;
  readonly store: StreamStore;
  readonly batchesOf: (items: readonly Item[], batchSize: number) => AsyncIterable<ImageBatch>;
  /** The names of streams before block 0, 1, ..., the one that is wanted. */
  readonly keys: readonly string[];
  /** The teacher's among them. */
  readonly levels: number;
  readonly ffnOf: (level: number, block: number) => FfnTensors;
  readonly signal?: AbortSignal | undefined;
}

/** Is shown the streams of one piece at the wanted block, level 0 first. */
export interface PieceVisitor {
  /** The stream lives until it returns. */
  see(level: number, stream: PackedTensors): void;
  close(): void;
}

/**
 * Brings each of `pieces` to the wanted block, from where the store has it or from its pixels, shows it level by
 * level, and leaves it there in the store. Pieces are read ahead and written behind the work.
 */
export async function visitPieces<Item>(
  options: PieceVisit<Item>,
  pieces: readonly Piece<Item>[],
  open: (piece: Piece<Item>) => PieceVisitor,
  onPiece: (piece: Piece<Item>) => void,
): Promise<void> {
  const { model, store, keys, levels, ffnOf, signal } = options;
  const to = keys.length - 1;
  const places = new Map<Piece<Item>, number>();
  for (const piece of pieces) {
    const key = piece.kept ? await store.keyOf(piece.index) : undefined;
    if (key !== undefined && keys.includes(key)) places.set(piece, keys.indexOf(key));
  }
  const isStored = (piece: Piece<Item>): boolean => places.has(piece);
  const pixels = pixelsOf(
    options,
    pieces.filter((piece) => !isStored(piece)),
  );
  const reading = readAhead(store, pieces.filter(isStored));
  let writing: Promise<void> = Promise.resolve();
  try {
    for (const piece of pieces) {
      signal?.throwIfAborted();
      const from = places.get(piece) ?? 0;
      const begun = isStored(piece)
        ? await reading.take(piece.index)
        : enter(model, (await pixels.next()).pixels);
      // Before block 0 nothing is compressed yet, and all levels are one.
      const same = to === 0;
      const made: PackedStream[] = [];
      const visitor = open(piece);
      for (let level = 0; level < levels; level++) {
        const before = 'levels' in begun ? uploadPacked(levelOf(begun, level)) : begun;
        const stream = advance(model, before, piece.items.length, {
          from,
          to,
          ffnOf: (block) => ffnOf(level, block),
        });
        visitor.see(level, stream);
        if (isWritten(piece, from) && !(same && level > 0)) made.push(await downloadPacked(stream));
        if (stream !== before) tf.dispose([stream.values, stream.scales]);
        if (before !== begun) tf.dispose([before.values, before.scales]);
        await setImmediate();
      }
      visitor.close();
      if (!('levels' in begun)) tf.dispose([begun.values, begun.scales]);
      if (made.length > 0) {
        await writing;
        writing = store.write(piece.index, { key: keys[to]!, levels: made });
        // Awaited later; without this a failed write would be reported as unhandled before that.
        writing.catch(() => undefined);
      }
      onPiece(piece);
    }
  } finally {
    await pixels.end();
    await reading.settle();
    await writing;
  }

  /** Behind the last block nobody asks for streams again, and a job that is killed there has them before it. */
  function isWritten(piece: Piece<Item>, from: number): boolean {
    if (!piece.kept || (isStored(piece) && from === to)) return false;
    return !(isStored(piece) && to === model.architecture.depth - 1);
  }
}

function levelOf({ levels }: { readonly levels: readonly PackedStream[] }, level: number): PackedStream {
  return levels[Math.min(level, levels.length - 1)]!;
}

/** Disposes the pixels. */
function enter(model: ModelTensors, pixels: tf.Tensor4D): PackedTensors {
  const packed = tf.tidy(() => {
    const stream = enterEncoder(model, pixels);
    return pack(tf.reshape(stream, [-1, stream.shape[2]!]));
  });
  pixels.dispose();
  return packed;
}

/** The pixels of pieces, one after the other; both kinds of images come in batches of their own. */
function pixelsOf<Item>(
  { batchesOf }: Pick<PieceVisit<Item>, 'batchesOf'>,
  pieces: readonly Piece<Item>[],
): { next(): Promise<ImageBatch>; end(): Promise<void> } {
  const batches = (async function* () {
    for (const heldOut of [false, true]) {
      const items = pieces.filter((piece) => piece.heldOut === heldOut).flatMap((piece) => piece.items);
      if (items.length > 0) yield* batchesOf(items, pieceImages);
    }
  })();
  return {
    async next() {
      const { value } = await batches.next();
      if (value === undefined) throw new Error('fewer images than there are pieces of');
      return value;
    },
    async end() {
      await batches.return(undefined);
    },
  };
}

function readAhead(store: StreamStore, pieces: readonly { readonly index: number }[]) {
  let next: ReturnType<StreamStore['read']> | undefined;
  let place = 0;
  const start = (): ReturnType<StreamStore['read']> | undefined => {
    const piece = pieces[place++];
    if (piece === undefined) return undefined;
    const read = store.read(piece.index);
    read.catch(() => undefined);
    return read;
  };
  return {
    async take(index: number) {
      const found = await (next ?? start());
      if (found === undefined) throw new Error(`piece ${index} is not in the store`);
      next = start();
      return found;
    },
    async settle() {
      await next?.catch(() => undefined);
    },
  };
}
