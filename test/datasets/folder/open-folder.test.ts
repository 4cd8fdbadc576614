import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openFolder } from '../../../datasets/sources/folder/open-folder.ts';
import { failure, realData, writeBytes, writeImage } from '../fakes.ts';
import { useTempFolder } from '../temp-folder.ts';

describe('folder source', () => {
  const folder = useTempFolder();

  it('takes sub-folders by name as classes and ignores what is not an image', async () => {
    const at = join(folder(), 'flat');
    await writeImage(join(at, 'b/2.png'), { channels: 1 });
    await writeImage(join(at, 'b/10.webp'));
    await writeImage(join(at, 'B/one.JPG'));
    await writeImage(join(at, 'a/deep/x.jpeg'));
    await writeImage(join(at, 'a/.hidden.png'));
    await writeImage(join(at, '.cache/c.png'));
    await writeBytes(join(at, 'a/notes.txt'), 'text');
    const source = await openFolder(at);
    assert.deepEqual(source.classes, ['B', 'a', 'b']);
    assert.deepEqual(
      source.items.map(({ id, label, origin }) => `${id} ${label} ${origin}`),
      ['B/one.JPG 0 all', 'a/deep/x.jpeg 1 all', 'b/10.webp 2 all', 'b/2.png 2 all'],
    );
    const grey = source.items[3]!;
    const image = await source.decode(grey, await source.content(grey));
    assert.deepEqual([image.width, image.height, image.channels], [20, 16, 1]);
  });

  it('uses train/ and val/ as the source’s own splits', async () => {
    const at = join(folder(), 'nested');
    await writeImage(join(at, 'train/cat/1.png'));
    await writeImage(join(at, 'train/dog/2.png'));
    await writeImage(join(at, 'val/dog/3.png'));
    const source = await openFolder(at);
    assert.deepEqual(source.classes, ['cat', 'dog']);
    assert.deepEqual(source.items[2], { id: 'val/dog/3.png', label: 1, origin: 'val' });
    await writeImage(join(at, 'test/cat/5.png'));
    const origins = (await openFolder(at)).items.map(({ origin }) => origin);
    assert.deepEqual(origins, ['train', 'train', 'val', 'test']);
    await writeImage(join(at, 'val/owl/4.png'));
    await assert.rejects(openFolder(at), failure('data-invalid', 'owl', 'train/'));
  });

  it('follows links inside the folder and refuses links out of it', async () => {
    const at = join(folder(), 'links');
    await writeImage(join(at, 'a/1.png'));
    await writeImage(join(folder(), 'outside/secret.png'));
    await mkdir(join(at, 'b'));
    await symlink('../a/1.png', join(at, 'b/linked.png'));
    assert.equal((await openFolder(at)).items.length, 2);
    await symlink('../../outside/secret.png', join(at, 'b/stolen.png'));
    await assert.rejects(openFolder(at), failure('data-invalid', 'stolen.png', 'outside/secret.png'));
    const classLink = join(folder(), 'class-link');
    await writeImage(join(classLink, 'a/1.png'));
    await symlink('../outside', join(classLink, 'b'));
    await assert.rejects(openFolder(classLink), failure('data-invalid', join(classLink, 'b')));
  });

  it('says what is missing, what was expected and what to do', async () => {
    const absent = join(folder(), 'absent');
    await assert.rejects(
      openFolder(absent),
      failure('file-missing', absent, 'no such folder', 'one folder per class', 'data.path'),
    );
    await mkdir(join(folder(), 'empty/class'), { recursive: true });
    await assert.rejects(openFolder(join(folder(), 'empty')), failure('file-missing', '1 folder without'));
  });

  it('lists the thousand photographs in class order', async function () {
    const source = await openFolder(join(realData(this), 'vit-tiny-in1k/photos'));
    assert.equal(source.items.length, 1000);
    assert.deepEqual(
      source.items.map(({ label }) => label),
      Array.from({ length: 1000 }, (_, index) => index),
    );
  });
});
