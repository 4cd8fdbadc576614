import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preprocessing, Source } from '../../datasets/contract.ts';
import { openImageCache } from '../../datasets/image-cache.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import { openFolder } from '../../datasets/sources/folder/open-folder.ts';
import { makeSplits } from '../../datasets/splits.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { failure, memorySource, plain, writeBytes, writeImage } from './fakes.ts';
import { useTempFolder } from './temp-folder.ts';

const small: Preprocessing = { ...plain, resize: 9, crop: 8, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] };

/** Counts how often the source decodes. */
function counting(source: Source): Source & { decoded: number } {
  const counted = {
    ...source,
    decoded: 0,
    decode: (...given: Parameters<Source['decode']>) => {
      counted.decoded++;
      return source.decode(...given);
    },
  };
  return counted;
}

describe('createPreparer', () => {
  const temp = useTempFolder();

  it('decodes an image once, and takes it from the cache even when its file is gone', async () => {
    const root = join(temp(), 'once');
    await writeImage(join(root, 'a/1.png'));
    const source = counting(await openFolder(root));
    const cache = openImageCache({ folder: join(temp(), 'once-cache'), maxBytes: 1e6 });
    const preparer = createPreparer(source, small, cache);
    const hash = await preparer.admit(source.items[0]!);
    const item = { id: 'a/1.png', label: 0, sha256: hash };
    const first = await preparer.pixels(item);
    assert.equal(first.length, 8 * 8 * 3);
    assert.equal(source.decoded, 1);
    await rm(join(root, 'a/1.png'));
    assert.deepEqual(await preparer.pixels(item), first);
    assert.equal(source.decoded, 1);
    // The cached pixels are those of a fresh decode.
    await writeImage(join(root, 'a/1.png'));
    assert.deepEqual(new Uint8Array(await createPreparer(source, small).pixels(item)), new Uint8Array(first));
  });

  it('does not cache packed images of the right size, and caches those it resizes', async () => {
    const source = counting(memorySource([{ id: 'x', label: 0, content: 7 }]));
    const cache = openImageCache({ folder: join(temp(), 'packed'), maxBytes: 1e6 });
    const hash = sha256(await source.content(source.items[0]!));
    const item = { id: 'x', label: 0, sha256: hash };
    const read = cache.read.bind(cache);
    let reads = 0;
    const watched = { ...cache, read: (...given: Parameters<typeof read>) => (reads++, read(...given)) };
    assert.equal((await createPreparer(source, plain, watched).pixels(item)).length, 16);
    assert.equal(reads, 0);
    const enlarged = { ...plain, resize: 8, crop: 8 };
    const pixels = await createPreparer(source, enlarged, watched).pixels(item);
    assert.equal(pixels.length, 64);
    assert.deepEqual(
      new Uint8Array(await createPreparer(source, enlarged, watched).pixels(item)),
      new Uint8Array(pixels),
    );
    assert.equal(reads, 2);
  });

  it('names an image that is gone, changed or broken since the data stage', async () => {
    const root = join(temp(), 'changed');
    await writeImage(join(root, 'a/1.png'));
    const source = await openFolder(root);
    const preparer = createPreparer(source, small);
    const item = { id: 'a/1.png', label: 0, sha256: await preparer.admit(source.items[0]!) };
    await writeImage(join(root, 'a/1.png'), { seed: 5 });
    await assert.rejects(preparer.pixels(item), failure('data-invalid', 'a/1.png', 'content changed'));
    await rm(join(root, 'a/1.png'));
    await assert.rejects(preparer.pixels(item), failure('data-invalid', 'a/1.png', 'no such file'));
    await assert.rejects(
      preparer.pixels({ ...item, id: 'a/2.png' }),
      failure('data-invalid', 'a/2.png', 'not in the data'),
    );
  });

  it('skips corrupt files while splits are drawn, and stops with their names when they are many', async () => {
    const root = join(temp(), 'corrupt');
    for (let i = 0; i < 20; i++) {
      await writeImage(join(root, `${i % 2}/${i}.jpg`), { seed: i });
    }
    await writeBytes(join(root, '0/empty.jpg'), '');
    await writeBytes(join(root, '1/text.png'), 'not an image');
    const source = await openFolder(root);
    const preparer = createPreparer(source, small);
    const sizes = { test: 6, selection: 6, calibration: 6 };
    const options = { seed: 1, needTrain: true, preparer };
    const splits = await makeSplits(source, { splits: sizes, maxCorruptShare: 0.2 }, options);
    assert.deepEqual(splits.skipped.map(({ id }) => id).sort(), ['0/empty.jpg', '1/text.png']);
    assert.equal(splits.items.train.length, 8);
    await assert.rejects(
      makeSplits(source, { splits: sizes, maxCorruptShare: 0 }, options),
      failure(
        'data-invalid',
        '2 unusable images ',
        /empty\.jpg \(the file is empty\)/,
        /text\.png \(Input buffer/,
        '--set data.maxCorruptShare=0.091',
      ),
    );
  });
});
