import type { PackedStream } from '../compress/packed-stream.ts';

/** The streams of one piece of images, at every level: level 0 is the teacher. */
export interface StreamPiece {
  /** Names the block that they stand before and all that made them. */
  readonly key: string;
  /** One where all levels are still the same. */
  readonly levels: readonly PackedStream[];
}

/** Where the streams of pieces of images lie between two blocks. */
export interface StreamStore {
  /** Most bytes that it keeps: pieces beyond are never written. */
  readonly bytes: number;
  /** What the piece's streams are named; undefined where there are none. */
  keyOf(piece: number): Promise<string | undefined>;
  read(piece: number): Promise<StreamPiece>;
  /** In place of what was there, as a whole or not at all. */
  write(piece: number, streams: StreamPiece): Promise<void>;
  /** Forgets all. */
  remove(): Promise<void>;
}

/** In this process's memory. */
export function memoryStreams(bytes = Infinity): StreamStore {
  const pieces = new Map<number, StreamPiece>();
  return {
    bytes,
    keyOf: (piece) => Promise.resolve(pieces.get(piece)?.key),
    read(piece) {
      const found = pieces.get(piece);
      return found === undefined
        ? Promise.reject(new Error(`piece ${piece} is not in the store`))
        : Promise.resolve(found);
    },
    write(piece, streams) {
      pieces.set(piece, streams);
      return Promise.resolve();
    },
    remove() {
      pieces.clear();
      return Promise.resolve();
    },
  };
}
