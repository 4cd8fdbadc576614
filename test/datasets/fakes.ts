import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import type { Item, Preprocessing, Source } from '../../datasets/contract.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import type { FailureReason } from '../../pipeline/util/failure.ts';
import { present } from '../support/present.ts';

/** A packed source in memory: `contents` maps ids to the byte that fills its 4x4 grey image. */
export function memorySource(
  entries: readonly { id: string; label: number; origin?: Item['origin']; content: number | string }[],
  { packed = true }: { packed?: boolean } = {},
): Source {
  const contents = new Map(entries.map(({ id, content }) => [id, content]));
  const classCount = Math.max(...entries.map(({ label }) => label)) + 1;
  return {
    description: `memory (${entries.length} images)`,
    classes: Array.from({ length: classCount }, (_, index) => `class ${index}`),
    items: entries.map(({ id, label, origin = 'all' }) => ({ id, label, origin })),
    packed,
    content: ({ id }) => {
      const content = present(contents.get(id));
      return Promise.resolve(
        typeof content === 'number'
          ? new Uint8Array(new Int32Array([content, 1, 2, 3]).buffer)
          : new TextEncoder().encode(content),
      );
    },
    decode: (_, content) =>
      content.length === 16
        ? Promise.resolve({ width: 4, height: 4, channels: 1, pixels: content })
        : Promise.reject(new Error('not sixteen bytes')),
  };
}

export const plain: Preprocessing = {
  resize: null,
  resizeMode: 'shortest',
  interpolation: 'bicubic',
  crop: 4,
  channels: 1,
  mean: [0.5],
  std: [0.5],
};

/** A photograph-like image: smooth waves, decided by `seed`. */
export function waves(width: number, height: number, channels: 1 | 3, seed = 0): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const value = Math.sin((x * (c + 1 + seed)) / 7) + Math.cos((y * (c + 2)) / 5 + seed);
        pixels[(y * width + x) * channels + c] = Math.round(127.5 + 60 * value);
      }
    }
  }
  return pixels;
}

/** Writes an image in the format of the path's ending. */
export async function writeImage(
  path: string,
  options: { width?: number; height?: number; channels?: 1 | 3; seed?: number } = {},
): Promise<void> {
  const { width = 20, height = 16, channels = 3, seed = 0 } = options;
  await mkdir(dirname(path), { recursive: true });
  let image = sharp(waves(width, height, channels, seed), { raw: { width, height, channels } });
  if (channels === 1) image = image.toColourspace('b-w');
  await image.toFile(path);
}

export async function writeBytes(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** An expected failure with this reason whose message has all these parts. */
export function failure(reason: FailureReason, ...parts: readonly (string | RegExp)[]) {
  return (error: unknown): true => {
    // By name: under mocha a module that is imported late comes with a second copy of the class.
    const isExpected = (value: unknown): value is BlockForgeError =>
      value instanceof Error && value.name === 'BlockForgeError';
    assert.ok(isExpected(error), `not an expected failure: ${String(error)}`);
    assert.equal(error.failure.reason, reason);
    for (const part of parts) {
      if (typeof part === 'string')
        assert.ok(error.message.includes(part), `no "${part}" in: ${error.message}`);
      else assert.match(error.message, part);
    }
    return true;
  };
}

/** Where the real data are, or a printed reason to skip. */
export function realData(context: Mocha.Context): string {
  const folder = process.env.BLOCKFORGE_DATA;
  if (folder !== undefined && folder !== '') return folder;
  console.log(
    '      skipped: BLOCKFORGE_DATA (the folder with fashion-mnist/ and vit-tiny-in1k/) is not set',
  );
  return context.skip();
}
