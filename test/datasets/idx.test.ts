import assert from 'node:assert/strict';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openIdx } from '../../datasets/sources/idx.ts';
import { failure, writeBytes } from './fakes.ts';
import { useTempFolder } from './temp-folder.ts';

function idx(sizes: readonly number[], body: Uint8Array, magic = 0x800 + sizes.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(magic, 0);
  sizes.forEach((size, index) => header.writeUInt32BE(size, 4 + 4 * index));
  return Buffer.concat([header, body]);
}

const pixels = Uint8Array.from({ length: 3 * 2 * 4 }, (_, index) => index * 10);
const labels = Uint8Array.from([2, 0, 1]);

describe('idx source', () => {
  const folder = useTempFolder();
  let count = 0;
  /** A fresh folder with train files, zipped or not, and optional replacements. */
  async function write(files: Record<string, Uint8Array>): Promise<string> {
    const at = join(folder(), String(count++));
    for (const [name, bytes] of Object.entries(files)) await writeBytes(join(at, name), bytes);
    return at;
  }
  const good = { images: idx([3, 2, 4], pixels), labels: idx([3], labels) };

  it('reads plain and zipped files, train and test', async () => {
    const at = await write({
      'train-images-idx3-ubyte': good.images,
      'train-labels-idx1-ubyte.gz': gzipSync(good.labels),
      't10k-images-idx3-ubyte.gz': gzipSync(good.images),
      't10k-labels-idx1-ubyte': good.labels,
    });
    const source = await openIdx(at);
    assert.deepEqual(
      source.items.map(({ id, label, origin }) => `${id} ${label} ${origin}`),
      [
        'train:00000 2 train',
        'train:00001 0 train',
        'train:00002 1 train',
        'test:00000 2 test',
        'test:00001 0 test',
        'test:00002 1 test',
      ],
    );
    assert.deepEqual(source.classes, ['0', '1', '2']);
    const content = await source.content(source.items[4]!);
    assert.deepEqual([...content], [...pixels.subarray(8, 16)]);
    assert.deepEqual(await source.decode(source.items[4]!, content), {
      width: 4,
      height: 2,
      channels: 1,
      pixels: content,
    });
  });

  it('has no split of its own with one part only', async () => {
    const at = await write({
      'train-images.idx3-ubyte': good.images,
      'train-labels.idx1-ubyte': good.labels,
    });
    assert.deepEqual(new Set((await openIdx(at)).items.map(({ origin }) => origin)), new Set(['all']));
  });

  it('names the folder and the layout when nothing is there', async () => {
    const absent = join(folder(), 'absent');
    await assert.rejects(
      openIdx(absent),
      failure('file-missing', absent, 'train-images-idx3-ubyte', 'data.path'),
    );
    const half = await write({ 'train-images-idx3-ubyte': good.images });
    await assert.rejects(
      openIdx(half),
      failure('file-missing', 'train-images-idx3-ubyte without its labels'),
    );
  });

  const broken: [string, { images?: Uint8Array; labels?: Uint8Array; zipped?: boolean }, string][] = [
    ['a wrong magic number', { images: idx([3, 2, 4], pixels, 0xd03) }, 'magic number 0x00000d03'],
    ['labels where images should be', { images: good.labels }, '15 bytes'.replace('15', '11')],
    ['fewer labels than images', { labels: idx([2], labels.subarray(0, 2)) }, '2 labels'],
    ['a short file', { images: good.images.subarray(0, 30) }, 'claims 3 x 2 x 4'],
    ['a long file', { images: Buffer.concat([good.images, Buffer.alloc(1)]) }, '41 bytes'],
    ['an empty file', { images: new Uint8Array() }, '0 bytes'],
    ['a header claiming terabytes', { images: idx([4294967295, 65535, 65535], pixels) }, 'claims 4294967295'],
    [
      'a zipped header claiming gigabytes',
      { images: gzipSync(idx([2000000, 1000, 1000], pixels)), zipped: true },
      'claims 2000000',
    ],
    [
      'zipped data longer than the header says',
      { images: gzipSync(idx([3, 2, 4], new Uint8Array(1e6))), zipped: true },
      'more than 40 bytes',
    ],
    [
      'a truncated gzip file',
      { images: gzipSync(good.images).subarray(0, 45), zipped: true },
      'broken gzip data',
    ],
    ['something that is not gzip', { images: good.images, zipped: true }, 'unreadable'],
  ];
  for (const [what, { images = good.images, labels = good.labels, zipped = false }, found] of broken) {
    it(`refuses ${what}`, async () => {
      const at = await write({
        [`train-images-idx3-ubyte${zipped ? '.gz' : ''}`]: images,
        'train-labels-idx1-ubyte': labels,
      });
      await assert.rejects(openIdx(at), failure('file-invalid', at, found));
    });
  }
});
