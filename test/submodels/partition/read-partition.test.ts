import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePartition } from '../../../pipeline/submodels/partition/parse-partition.ts';
import { readPartition } from '../../../pipeline/submodels/partition/read-partition.ts';

const names = ['cat', 'dog', 'tench, small', '7', 'ship'];
const parse = (text: string, subsets = 2) => parsePartition(text, 'parts.txt', names, subsets);
const refuses = (text: string, pattern: RegExp, subsets = 2) =>
  assert.throws(() => parse(text, subsets), pattern);

describe('submodels/partition/read-partition', () => {
  it('reads names and numbers, tabs or commas, comments and empty lines', () => {
    assert.deepEqual(parse('# two\n\nship, dog,0\r\ntench, small\t7\n'), [
      [0, 1, 4],
      [2, 3],
    ]);
    assert.deepEqual(parse('\uFEFF0,1,2\n3,4'), [
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it('names file and line of what it does not know, and what was meant', () => {
    refuses('cat,dog\nshp,7,2', /parts\.txt:2: no class "shp"\n {2}expected: did you mean ship\?/);
    refuses(
      'cat,12345',
      /parts\.txt:1: no class "12345"\n {2}expected: a class's name, or its number below 5/,
    );
    refuses('cat,,dog', /parts\.txt:1: an empty name/);
  });

  it('refuses a class twice, one that is missing, unbalanced subsets and another number of them', () => {
    refuses('cat,dog,2\n7,0', /parts\.txt:2: class 0 \(cat\) again, already on line 1/);
    refuses('cat,cat', /parts\.txt:1: class 0 \(cat\) again, already on the same line/);
    refuses('cat,dog\n2,3', /parts\.txt: without class 4 \(ship\)/);
    refuses('0,1,2,3\n4', /subsets of 4, 1 classes\n {2}expected: sizes that differ by at most one: 3, 2/);
    refuses('0,1,2\n3,4', /parts\.txt: 2 lines with classes\n {2}expected: 3, one per sub-model/, 3);
  });

  it('reads a file, and says where none is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-partition-'));
    try {
      writeFileSync(join(folder, 'p.txt'), '0,1\n2,3,4\n');
      assert.deepEqual(await readPartition(join(folder, 'p.txt'), names, 2), [
        [0, 1],
        [2, 3, 4],
      ]);
      await assert.rejects(readPartition(join(folder, 'q.txt'), names, 2), /q\.txt: no such file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
