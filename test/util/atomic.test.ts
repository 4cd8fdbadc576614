import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../pipeline/util/atomic.ts';
import { writeStream } from '../../pipeline/util/output-place.ts';

describe('a file that is written', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'blockforge-atomic-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('goes where a link leads, there or not, and the link stays', async () => {
    mkdirSync(join(root, 'elsewhere'));
    writeFileSync(join(root, 'elsewhere/a'), 'old');
    symlinkSync('elsewhere/a', join(root, 'link'));
    symlinkSync('link', join(root, 'twice'));
    symlinkSync('elsewhere/b', join(root, 'new'));
    await writeFileAtomic(join(root, 'twice'), 'a');
    await writeFileAtomic(join(root, 'new'), 'b');
    assert.deepEqual(readdirSync(join(root, 'elsewhere')), ['a', 'b']);
    assert.equal(readFileSync(join(root, 'elsewhere/a'), 'utf8'), 'a');
    assert.equal(readFileSync(join(root, 'elsewhere/b'), 'utf8'), 'b');
    for (const name of ['link', 'twice', 'new']) assert.ok(lstatSync(join(root, name)).isSymbolicLink());
  });

  it('is none in the place of a folder or a circle of links', async () => {
    mkdirSync(join(root, 'folder'));
    symlinkSync('folder', join(root, 'to-folder'));
    symlinkSync('circle', join(root, 'circle'));
    for (const name of ['folder', 'to-folder', 'circle'])
      await assert.rejects(writeFileAtomic(join(root, name), ''), /place|folder, not a file|circle/);
    assert.deepEqual(readdirSync(root).sort(), ['circle', 'folder', 'to-folder']);
    assert.ok(lstatSync(join(root, 'to-folder')).isSymbolicLink());
  });

  it('is written into a pipe, also through a link, and is refused where nobody reads it', async function () {
    if (process.platform === 'win32') this.skip();
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    symlinkSync('pipe', join(root, 'link'));
    // Opened for both, so that nobody waits.
    const reader = await open(pipe, 'r+');
    for (const name of ['pipe', 'link']) {
      await writeFileAtomic(join(root, name), 'through');
      const { buffer, bytesRead } = await reader.read(Buffer.alloc(100), 0, 100);
      assert.equal(buffer.toString('utf8', 0, bytesRead), 'through');
    }
    await reader.close();
    await assert.rejects(writeStream(pipe, '', 10), /pipe that nobody reads/);
    assert.ok(lstatSync(pipe).isFIFO());
    assert.deepEqual(readdirSync(root).sort(), ['link', 'pipe']);
  });

  it('leaves a device what it is', async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    // Copies of /dev/null and /dev/full.
    try {
      execFileSync('mknod', [join(root, 'null'), 'c', '1', '3'], { stdio: 'ignore' });
      execFileSync('mknod', [join(root, 'full'), 'c', '1', '7'], { stdio: 'ignore' });
      readFileSync(join(root, 'null'));
    } catch {
      this.skip();
    }
    await writeFileAtomic(join(root, 'null'), 'gone');
    await assert.rejects(writeFileAtomic(join(root, 'full'), 'x'), /full: the disk is full/);
    for (const name of ['null', 'full']) assert.ok(lstatSync(join(root, name)).isCharacterDevice());
  });
});
