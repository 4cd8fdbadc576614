import assert from 'node:assert/strict';
import { cpSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderState } from '../../../datasets/sources/folder/folder-state.ts';
import { listFolder } from '../../../datasets/sources/folder/list-folder.ts';
import { useTempFolder } from '../temp-folder.ts';
import { writeFiles } from './files.ts';

describe('the state of a folder of images', () => {
  const folder = useTempFolder();
  const at = () => join(folder(), 'images');
  const state = async () => folderState(await listFolder(at()));
  /** With the time stamps of what was there. */
  const keepTimes = (path: string, change: () => void) => {
    const { atime, mtime } = statSync(path);
    change();
    utimesSync(path, atime, mtime);
  };

  before(() => writeFiles(at(), ['a/1.png', 'a/2.png', 'b/1.png']));

  it('stays while nothing changes, and when a file comes that is no image', async () => {
    const before = await state();
    writeFiles(at(), ['notes.txt', 'a/notes.txt', 'a/.DS_Store']);
    assert.equal(await state(), before);
  });

  it('tells of two images that were exchanged between classes', async () => {
    const before = await state();
    const [one, other, between] = [join(at(), 'a/1.png'), join(at(), 'b/1.png'), join(at(), 'b/x')];
    renameSync(one, between);
    renameSync(other, one);
    renameSync(between, other);
    assert.notEqual(await state(), before);
  });

  it('tells of an image replaced or written anew at its size and time', async () => {
    const path = join(at(), 'a/1.png');
    const before = await state();
    keepTimes(path, () => writeFileSync(path, 'A/1.png'));
    const written = await state();
    assert.notEqual(written, before);
    keepTimes(path, () => {
      writeFileSync(`${path}.new`, 'b/2.png');
      renameSync(`${path}.new`, path);
    });
    assert.notEqual(await state(), written);
  });

  it('tells of an added link and of a new class, and asks for a look after a copy', async () => {
    const before = await state();
    symlinkSync('1.png', join(at(), 'a/linked.png'));
    const linked = await state();
    assert.notEqual(linked, before);
    writeFiles(at(), ['c/']);
    assert.notEqual(await state(), linked);
    cpSync(at(), join(folder(), 'copy'), { recursive: true, verbatimSymlinks: true });
    assert.notEqual(await folderState(await listFolder(join(folder(), 'copy'))), await state());
  });
});
