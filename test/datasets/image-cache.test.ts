import assert from 'node:assert/strict';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheKey, defaultCacheFolder, openImageCache } from '../../datasets/image-cache.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import type { Sha256 } from '../../pipeline/util/hash.ts';
import { plain, writeBytes } from './fakes.ts';
import { useTempFolder } from './temp-folder.ts';
import { present } from '../support/present.ts';

const pathOf = (folder: string, key: Sha256) => join(folder, key.slice(0, 2), key.slice(2, 4), key);

describe('image cache', () => {
  const temp = useTempFolder();

  it('gives back what was written, in two levels of folders', async () => {
    const folder = join(temp(), 'plain');
    const cache = openImageCache({ folder, maxBytes: 1e6 });
    const key = cacheKey(sha256('a'), plain);
    const pixels = Uint8Array.from({ length: 16 }, (_, i) => i);
    assert.equal(await cache.read(key, 16), undefined);
    await cache.write(key, pixels);
    assert.deepEqual(new Uint8Array(present(await cache.read(key, 16))), pixels);
    assert.equal((await stat(pathOf(folder, key))).size, 20);
  });

  it('does not give back a file of another size or with damaged bytes', async () => {
    const folder = join(temp(), 'damaged');
    const cache = openImageCache({ folder, maxBytes: 1e6 });
    const key = cacheKey(sha256('a'), plain);
    await cache.write(key, new Uint8Array(16));
    assert.equal(await cache.read(key, 32), undefined);
    const bytes = await readFile(pathOf(folder, key));
    bytes[3]! ^= 1;
    await writeFile(pathOf(folder, key), bytes);
    assert.equal(await cache.read(key, 16), undefined);
    await writeFile(pathOf(folder, key), bytes.subarray(0, 10));
    assert.equal(await cache.read(key, 16), undefined);
  });

  it('keeps its bound by removing what was not used for longest', async () => {
    const folder = join(temp(), 'bounded');
    const keys = Array.from({ length: 12 }, (_, i) => cacheKey(sha256(String(i)), plain));
    const cache = openImageCache({ folder, maxBytes: 10 * 104 });
    for (let i = 0; i < 10; i++) {
      await cache.write(keys[i]!, new Uint8Array(100));
      // Older the later it was written, so that writing order does not decide.
      const day = new Date(Date.now() - (100 + i) * 86_400_000);
      await utimes(pathOf(folder, keys[i]!), day, day);
    }
    // Reading the oldest makes it the youngest.
    assert.ok(await cache.read(keys[9]!, 100));
    await cache.write(keys[10]!, new Uint8Array(100));
    const left = await Promise.all(keys.map(async (key) => (await cache.read(key, 100)) !== undefined));
    assert.deepEqual(left.map(Number), [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]);
  });

  it('stops writing, and says so once, when the folder cannot be written', async () => {
    await writeBytes(join(temp(), 'a-file'), 'in the way');
    const warnings: string[] = [];
    const cache = openImageCache({
      folder: join(temp(), 'a-file'),
      maxBytes: 1e6,
      warn: (message) => warnings.push(message),
    });
    for (const name of ['a', 'b']) await cache.write(cacheKey(sha256(name), plain), new Uint8Array(16));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /a-file is not written any more/);
  });

  it('leaves nothing but whole files behind', async () => {
    const folder = join(temp(), 'whole');
    const cache = openImageCache({ folder, maxBytes: 1e6 });
    const key = cacheKey(sha256('same'), plain);
    await Promise.all(Array.from({ length: 8 }, () => cache.write(key, new Uint8Array(16))));
    assert.deepEqual(await readdir(join(folder, key.slice(0, 2), key.slice(2, 4))), [key]);
  });

  it('has a key per content and geometry, not per mean and std', () => {
    const key = cacheKey(sha256('a'), plain);
    assert.equal(key, cacheKey(sha256('a'), { ...plain, mean: [0], std: [1] } as never));
    assert.notEqual(key, cacheKey(sha256('b'), plain));
    assert.notEqual(key, cacheKey(sha256('a'), { ...plain, resize: 8 }));
    assert.notEqual(key, cacheKey(sha256('a'), { ...plain, interpolation: 'bilinear' }));
  });

  it('lives where BLOCKFORGE_CACHE says', () => {
    assert.equal(defaultCacheFolder({ BLOCKFORGE_CACHE: '/big' }), '/big/images');
    assert.match(defaultCacheFolder({}), /\.cache\/blockforge\/images$/);
  });
});
