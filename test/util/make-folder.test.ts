import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder, requireMakeable } from '../../pipeline/util/make-folder.ts';

describe('makeFolder', () => {
  let root: string;
  before(() => (root = mkdtempSync(join(tmpdir(), 'blockforge-folder-'))));
  after(() => rmSync(root, { recursive: true }));

  it('makes all that are missing, and finds them there the next time, through links too', () => {
    for (let i = 0; i < 2; i++) makeFolder(join(root, 'a', 'b', 'c'));
    assert.ok(statSync(join(root, 'a', 'b', 'c')).isDirectory());
    symlinkSync(join(root, 'a'), join(root, 'link'));
    makeFolder(join(root, 'link', 'd'));
    assert.ok(statSync(join(root, 'a', 'd')).isDirectory());
  });

  it('throws the error of the system with its path where none can be', () => {
    writeFileSync(join(root, 'file'), '');
    const code = (expected: string) => (error: NodeJS.ErrnoException) =>
      error.code === expected && error.path !== undefined;
    assert.throws(() => makeFolder(join(root, 'file')), code('EEXIST'));
    assert.throws(() => makeFolder(join(root, 'file', 'b')), code('ENOTDIR'));
    assert.throws(() => makeFolder(join(root, 'x'.repeat(300))), code('ENAMETOOLONG'));
  });

  it('returns where the system takes no folders, which the recursive mkdir of Node.js does not', function () {
    if (!existsSync('/proc/self')) this.skip();
    assert.throws(() => makeFolder('/proc/blockforge/runs/demo'), { code: 'ENOENT' });
  });

  it('is foretold without making anything', () => {
    requireMakeable(join(root, 'x', 'y'));
    assert.ok(!existsSync(join(root, 'x')));
    requireMakeable(root);
    writeFileSync(join(root, 'plain'), '');
    symlinkSync(join(root, 'nothing'), join(root, 'dangling'));
    const places = ['plain', 'plain/b', 'dangling', 'dangling/b', 'x'.repeat(300)].map((name) =>
      join(root, name),
    );
    if (existsSync('/proc/self')) places.push('/proc/x', '/dev/null/x/y', '/sys/x', '/proc/self/x');
    for (const place of places) assert.throws(() => requireMakeable(place), { path: /./ }, place);
  });
});
