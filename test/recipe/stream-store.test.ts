import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamFiles } from '../../pipeline/recipe/stream-files.ts';
import { memoryStreams, type StreamPiece } from '../../pipeline/recipe/stream-store.ts';

const key = 'a'.repeat(64);
const piece = (first: number, levels: number): StreamPiece => ({
  key,
  levels: Array.from({ length: levels }, (_, level) => ({
    values: Int16Array.of(first, level, -3, 32767, -32767, 6),
    scales: Float32Array.of(1.5, level, 1000),
  })),
});

describe('stores of streams', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-streams-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('give back the last that was written of every piece, in files and in memory', async () => {
    for (const store of [streamFiles(join(folder, 'streams'), 1e6), memoryStreams(1e6)]) {
      assert.equal(await store.keyOf(0), undefined);
      await store.write(0, piece(1, 1));
      await store.write(12, piece(2, 3));
      await store.write(0, piece(7, 3));
      assert.deepEqual(await store.read(0), piece(7, 3));
      assert.deepEqual(await store.read(12), piece(2, 3));
      assert.deepEqual([await store.keyOf(0), await store.keyOf(1)], [key, undefined]);
      await store.remove();
      assert.equal(await store.keyOf(0), undefined);
    }
  });

  it('take a file that is cut short, or is something else, for none', async () => {
    const store = streamFiles(folder, 1e6);
    await store.write(3, piece(1, 2));
    const [name] = await readdir(folder);
    assert.equal(name, 'piece-00003.streams');
    // Another process finds it, too.
    assert.equal(await streamFiles(folder, 1e6).keyOf(3), key);
    await truncate(join(folder, name), 150);
    assert.equal(await store.keyOf(3), undefined);
    await assert.rejects(store.read(3), /is broken/);
    await writeFile(join(folder, name), 'something else');
    assert.equal(await store.keyOf(3), undefined);
  });
});
