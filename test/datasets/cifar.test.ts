import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openCifar } from '../../datasets/sources/cifar.ts';
import { failure, writeBytes } from './fakes.ts';
import { useTempFolder } from './temp-folder.ts';

/** Red plane 10, green 20, blue 30, except the first pixel of each plane: 1, 2, 3. */
function record(...labels: number[]): Buffer {
  const planes = [10, 20, 30].flatMap((value, c) => [c + 1, ...new Array<number>(1023).fill(value)]);
  return Buffer.from([...labels, ...planes]);
}

describe('cifar source', () => {
  const folder = useTempFolder();

  it('reads CIFAR-10 and interleaves the colour planes', async () => {
    const at = join(folder(), 'ten');
    for (const batch of [1, 2, 3, 4, 5]) {
      await writeBytes(join(at, `data_batch_${batch}.bin`), Buffer.concat([record(batch), record(0)]));
    }
    await writeBytes(join(at, 'test_batch.bin'), record(9));
    await writeBytes(
      join(at, 'batches.meta.txt'),
      'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n',
    );
    const source = await openCifar(at, 'cifar10');
    assert.equal(source.items.length, 11);
    assert.deepEqual(source.items[4], { id: 'train:00004', label: 3, origin: 'train' });
    assert.deepEqual(source.items[10], { id: 'test:00000', label: 9, origin: 'test' });
    assert.equal(source.classes[9], 'truck');
    const image = await source.decode(source.items[0]!, await source.content(source.items[0]!));
    assert.deepEqual([image.width, image.height, image.channels], [32, 32, 3]);
    assert.deepEqual([...image.pixels.subarray(0, 6)], [1, 2, 3, 10, 20, 30]);
    assert.deepEqual([...image.pixels.subarray(-3)], [10, 20, 30]);
  });

  it('reads the fine labels of CIFAR-100, from the archive’s folder too', async () => {
    const at = join(folder(), 'hundred');
    await writeBytes(join(at, 'cifar-100-binary/train.bin'), record(3, 77));
    await writeBytes(join(at, 'cifar-100-binary/test.bin'), record(19, 99));
    const source = await openCifar(at, 'cifar100');
    assert.deepEqual(
      source.items.map(({ label }) => label),
      [77, 99],
    );
    assert.equal(source.classes.length, 100);
  });

  it('refuses missing files, partial records and labels out of range, naming the file', async () => {
    const at = join(folder(), 'bad');
    await writeBytes(join(at, 'train.bin'), record(3, 77).subarray(1));
    await assert.rejects(openCifar(at, 'cifar100'), failure('file-missing', 'no test.bin', 'CIFAR-100'));
    await writeBytes(join(at, 'test.bin'), record(3, 100));
    await assert.rejects(
      openCifar(at, 'cifar100'),
      failure('file-invalid', 'train.bin', '3073 bytes', '3074'),
    );
    await writeBytes(join(at, 'train.bin'), record(3, 77));
    await assert.rejects(
      openCifar(at, 'cifar100'),
      failure('file-invalid', 'test.bin, record 0', 'label 100'),
    );
  });
});
