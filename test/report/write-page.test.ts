import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pageMark } from '../../pipeline/report/page-mark.ts';
import { isPage, writePage } from '../../pipeline/report/write-page.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';

describe('the file of a report', () => {
  const page = { title: 'a run', headline: [], facts: [], sections: [] };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-page-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is written over by another one, and is known by its head alone', async () => {
    const path = join(folder, 'new', 'report.html');
    const bytes = await writePage(path, page);
    assert.equal(bytes, readFileSync(path).length);
    assert.ok(await isPage(path));
    await writePage(path, { ...page, title: 'another' });
    assert.match(readFileSync(path, 'utf8'), /<title>another<\/title>/);
    writeFileSync(path, `${' '.repeat(5000)}${pageMark}`);
    assert.equal(await isPage(path), false);
  });

  it('is never written over something else, nor to where a link leads', async () => {
    const path = join(folder, 'thesis.html');
    const link = join(folder, 'link.html');
    const loose = join(folder, 'loose.html');
    writeFileSync(path, '<!doctype html><p>Ten years of work.');
    symlinkSync(path, link);
    symlinkSync(join(folder, 'nowhere.html'), loose);
    for (const place of [path, link, loose, folder]) {
      await assert.rejects(writePage(place, page), (error: unknown) => {
        assert.ok(error instanceof BlockForgeError);
        assert.equal(error.failure.reason, 'place-unusable');
        return true;
      });
    }
    assert.match(readFileSync(path, 'utf8'), /Ten years/);
  });
});
