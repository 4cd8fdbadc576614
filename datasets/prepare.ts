import { pixelsPerImage } from '../pipeline/model/family/image-size.ts';
import { fail } from '../pipeline/util/failure.ts';
import { sha256 } from '../pipeline/util/hash.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import type { Item, Preprocessing, Source, SplitItem } from './contract.ts';
import { needsResize } from './fit-geometry.ts';
import { fitImage } from './fit-image.ts';
import { cacheKey } from './image-cache.ts';
import type { ImageCache } from './image-cache.ts';

/** Turns a source's images into model-sized pixels, through the cache. */
export interface Preparer {
  readonly source: Source;
  readonly preprocessing: Preprocessing;
  /**
   * First sight of an image: reads, hashes, decodes, fills the cache. Returns the hash of its content.
   * @throws Error saying why the image is unusable.
   */
  admit(item: Item): Promise<Sha256>;
  /**
   * The pixels of an image that was admitted before: uint8 [height, width, C].
   * @throws BlockForgeError `data-invalid` naming the image, where it is gone, changed or cannot be decoded any more.
   */
  pixels(item: SplitItem): Promise<Uint8Array>;
}

/** @param cache may be left out: every image is then decoded each time it is asked for. */
export function createPreparer(source: Source, preprocessing: Preprocessing, cache?: ImageCache): Preparer {
  const { crop, channels } = preprocessing;
  const byteCount = pixelsPerImage(crop, channels);
  // Of a million images, and only where the cache misses one.
  let items: ReadonlyMap<string, Item> | undefined;

  const prepare = async (item: Item, content: Uint8Array, hash: Sha256): Promise<Uint8Array> => {
    const image = source.packed === true ? await source.decode(item, content) : undefined;
    // Memory is faster than any file: packed images are only worth caching where they must be resized.
    if (image !== undefined && !needsResize(image, preprocessing)) return fitImage(image, preprocessing);
    const key = cacheKey(hash, preprocessing);
    const cached = await cache?.read(key, byteCount);
    if (cached !== undefined) return cached;
    const pixels = await fitImage(image ?? (await source.decode(item, content)), preprocessing);
    await cache?.write(key, pixels);
    return pixels;
  };

  return {
    source,
    preprocessing,
    async admit(item) {
      const content = await source.content(item);
      const hash = sha256(content);
      await prepare(item, content, hash);
      return hash;
    },
    async pixels({ id, sha256: expected }) {
      if (source.packed !== true) {
        // The hash is known, so a cached image does not even touch its file.
        const cached = await cache?.read(cacheKey(expected, preprocessing), byteCount);
        if (cached !== undefined) return cached;
      }
      try {
        items ??= new Map(source.items.map((each) => [each.id, each]));
        const item = items.get(id);
        if (item === undefined) throw new Error('it is not in the data any more');
        const content = await source.content(item);
        if (sha256(content) !== expected) throw new Error('its content changed since the data stage');
        return await prepare(item, content, expected);
      } catch (error) {
        return fail(
          {
            reason: 'data-invalid',
            subject: id,
            found: (error as Error).message,
            expected: 'the image that the data stage has seen',
            next: 'put the image back, or run again from the data stage so that the splits are drawn anew',
          },
          error,
        );
      }
    },
  };
}
