import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { listFolder } from '../../../datasets/sources/folder/list-folder.ts';
import { failure } from '../fakes.ts';
import { useTempFolder } from '../temp-folder.ts';
import { writeFiles } from './files.ts';

describe('links in a folder of images', () => {
  const folder = useTempFolder();
  const ids = async (at: string, followLinks = false) =>
    (await listFolder(at, { followLinks })).items.map(({ id, label }) => `${id} ${label}`);

  it('are followed inside the folder, also into a hidden one', async () => {
    const at = join(folder(), 'inside');
    writeFiles(at, ['a/1.png', '.store/more/2.png']);
    symlinkSync('../.store/more', join(at, 'a/more'));
    assert.deepEqual(await ids(at), ['a/1.png 0', 'a/more/2.png 0']);
  });

  it('are followed once: a cycle ends, a folder is read at its own place', async () => {
    const at = join(folder(), 'cycle');
    writeFiles(at, ['a/1.png', 'b/2.png']);
    symlinkSync('..', join(at, 'a/up'));
    symlinkSync('../b', join(at, 'a/other'));
    symlinkSync('a', join(at, 'c'));
    const { items, classes, account } = await listFolder(at);
    assert.deepEqual(classes, ['a', 'b', 'c']);
    assert.deepEqual(
      items.map(({ id }) => id),
      ['a/1.png', 'b/2.png'],
    );
    assert.match(account.warnings.join('\n'), /1 of 3 classes has no image that is read: c/);
    assert.match(account.warnings.join('\n'), /3 link to a folder that is read elsewhere/);
  });

  it('lead out only where the config allows it: class folders, files, and no further than to images', async () => {
    const at = join(folder(), 'subset');
    writeFiles(join(folder(), 'full'), ['a/1.png', 'b/2.png', 'blob-3', 'README.md']);
    mkdirSync(join(at, 'c'), { recursive: true });
    symlinkSync(join(folder(), 'full/README.md'), join(at, 'README.md'));
    symlinkSync(join(folder(), 'full/blob-3'), join(at, 'c/3.jpg'));
    await assert.rejects(listFolder(at), failure('data-invalid', 'c/3.jpg', 'data.followLinks: true'));
    symlinkSync(join(folder(), 'full/a'), join(at, 'a'));
    symlinkSync(join(folder(), 'full/b'), join(at, 'b'));
    await assert.rejects(listFolder(at), failure('data-invalid', `${at}/a`, 'data.followLinks: true'));
    assert.deepEqual(await ids(at, true), ['a/1.png 0', 'b/2.png 1', 'c/3.jpg 2']);
    symlinkSync('/', join(at, 'c/everything'));
    assert.deepEqual(await ids(at, true), ['a/1.png 0', 'b/2.png 1', 'c/3.jpg 2']);
  });

  it('that lead nowhere are counted', async () => {
    const at = join(folder(), 'dangling');
    writeFiles(at, ['a/1.png', 'b/']);
    symlinkSync('../.git/annex/objects/x', join(at, 'b/2.png'));
    symlinkSync('loop', join(at, 'b/loop'));
    const { account } = await listFolder(at);
    assert.match(account.warnings.join('\n'), /2 link that leads nowhere \(b\/2\.png, b\/loop\)/);
  });

  it('and names that are not UTF-8 are counted, folders of such a name refused', async () => {
    const at = join(folder(), 'names');
    writeFiles(at, ['a/1.png']);
    execFileSync('sh', ['-c', `cd '${at}/a' && touch "$(printf 'caf\\351.png')"`]);
    const { account } = await listFolder(at);
    assert.match(account.warnings.join('\n'), /1 with a name that is not UTF-8/);
    execFileSync('sh', ['-c', `cd '${at}' && mkdir "$(printf 'caf\\351')"`]);
    await assert.rejects(listFolder(at), failure('data-invalid', 'not UTF-8', 'rename'));
  });
});
