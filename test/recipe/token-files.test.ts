import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTokenFiles } from '../../pipeline/recipe/token-files.ts';

describe('token files', () => {
  let folder: string;
  const names = ['block-00.tokens.f32', 'block-01.tokens.f32'];
  const draft = () => join(folder, 'draft');
  const rows = (...values: number[]) => Float32Array.from(values);
  const content = (...path: string[]): number[] => {
    const bytes = readFileSync(join(folder, ...path));
    return [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'token-files-'));
    mkdirSync(join(folder, 'done'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('grow row by row, and are moved to their place only when they are complete', async () => {
    const files = await openTokenFiles(draft(), names);
    await files.append(0, rows(1, 2));
    await files.append(1, rows(5, 6));
    // A view into something larger: its own numbers alone are written.
    await files.append(0, rows(0, 3, 4, 0).subarray(1, 3));
    assert.deepEqual(readdirSync(join(folder, 'done')), []);
    await files.publish(join(folder, 'done'));
    await files.close();
    assert.deepEqual(content('done', names[0]!), [1, 2, 3, 4]);
    assert.deepEqual(content('done', names[1]!), [5, 6]);
    assert.deepEqual(readdirSync(draft()), []);
  });

  it('are cut back to the last checkpoint, and go on from there', async () => {
    const first = await openTokenFiles(draft(), names);
    await first.append(0, rows(1, 2));
    await first.append(1, rows(5, 6));
    const { sizeBytes } = first;
    assert.equal(sizeBytes, 8);
    // Interrupted in the middle of a batch: one block's rows are there, the other's are not.
    await first.append(0, rows(9, 9));
    assert.equal(first.sizeBytes, 8, 'what all files have');
    await first.close();
    const second = await openTokenFiles(draft(), names);
    await second.truncate(sizeBytes);
    await second.append(0, rows(3));
    await second.append(1, rows(7));
    await second.publish(join(folder, 'done'));
    await second.close();
    assert.deepEqual(content('done', names[0]!), [1, 2, 3]);
    assert.deepEqual(content('done', names[1]!), [5, 6, 7]);
  });

  it('are a bug where they are shorter than their checkpoint says', async () => {
    const files = await openTokenFiles(draft(), names);
    await files.append(0, rows(1));
    await assert.rejects(files.truncate(4), /block-01\.tokens\.f32 is shorter/);
    await files.close();
  });
});
