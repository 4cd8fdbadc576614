import assert from 'node:assert/strict';
import { join } from 'node:path';
import { listFolder } from '../../../datasets/sources/folder/list-folder.ts';
import { failure } from '../fakes.ts';
import { useTempFolder } from '../temp-folder.ts';
import { writeFiles } from './files.ts';

describe('the account of a folder of images', () => {
  const folder = useTempFolder();

  it('counts images by ending, at any depth, and skips what systems leave', async () => {
    const at = join(folder(), 'kinds');
    const endings = 'jpg JPEG jpe jfif png webp gif tif tiff bmp ppm pgm pbm avif'.split(' ');
    writeFiles(at, [
      ...endings.map((ending) => `a/x.${ending}`),
      'b/1/2/3/4/5/6/deep.png',
      'b/@eaDir/deep.png/SYNOPHOTO_THUMB_M.jpg',
      '__MACOSX/b/._deep.png',
      'lost+found/x.jpg',
      '$RECYCLE.BIN/x.jpg',
      'b/Thumbs.db',
      'b/.ipynb_checkpoints/x.png',
    ]);
    const { items, classes, account } = await listFolder(at);
    assert.deepEqual(classes, ['a', 'b']);
    assert.equal(items.length, endings.length + 1);
    assert.match(account.lines[0]!, /^all: 15 images \(2 \.png, .*1 \.jpeg.*\) in 2 classes$/);
    assert.match(
      account.lines[1]!,
      /^skipped: 5 of the system \(.*, \.\.\.\), 1 hidden \(b\/\.ipynb_checkpoints\)$/,
    );
    assert.deepEqual(account.warnings, []);
  });

  it('warns of classes without images and of what might have been images', async () => {
    const at = join(folder(), 'missed');
    writeFiles(at, [
      'a/1.png',
      'a/no_ending',
      'b/1.heic',
      'b/2.HEIC',
      'c/',
      'a/notes.txt',
      'd/list.json',
      'd/4.png',
      'd/5.png ',
    ]);
    const { classes, empty, account } = await listFolder(at);
    assert.deepEqual(classes, ['a', 'b', 'c', 'd']);
    assert.deepEqual(empty, ['b', 'c']);
    assert.deepEqual(account.lines, [
      'all: 2 images (2 .png) in 2 classes',
      'not read: 1 .txt (a/notes.txt), 1 .json (d/list.json)',
    ]);
    assert.deepEqual(account.warnings, [
      '2 of 4 classes have no image that is read: b, c',
      'not read, though they might be images: 1 without ending (a/no_ending), 2 .heic (b/1.heic, b/2.HEIC), 1 with a space behind the ending (d/5.png )',
    ]);
  });

  it('says so where nothing at all is read', async () => {
    const at = join(folder(), 'nothing');
    writeFiles(at, ['a/1.heic', 'b/2.heic']);
    await assert.rejects(listFolder(at), failure('file-missing', 'not read: 2 .heic (a/1.heic, b/2.heic)'));
  });

  it('says in the folder’s description which part of it is not used, so that a refusal of too few images tells it', async () => {
    const at = join(folder(), 'left-out');
    writeFiles(at, ['train/a/1.png', 'train/b/2.png', 'test/3.png']);
    const { description } = await listFolder(at);
    assert.match(
      description,
      /\(2 images, 2 classes; test\/ holds 1 images without labels: not used as test\)$/,
    );
  });

  it('counts what lies deeper than any folder of images', async () => {
    const at = join(folder(), 'deep');
    writeFiles(at, ['a/1.png', `a/${'x/'.repeat(40)}2.png`]);
    const { items, account } = await listFolder(at);
    assert.equal(items.length, 1);
    assert.match(account.warnings[0]!, /1 folder deeper than 32/);
  });
});
