import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileDigests } from '../../pipeline/runner/file-digests.ts';
import {
  explainChange,
  fingerprintData,
  fingerprintOf,
  type FingerprintData,
  type JobInput,
} from '../../pipeline/runner/fingerprint.ts';
import type { OutputFile } from '../../pipeline/runner/outputs.ts';
import type { PlannedJob } from '../../pipeline/runner/plan.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { job } from './rig.ts';

describe('fingerprint', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-fingerprint-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const input = (label: string): JobInput =>
    ['a', 'b'].map((path) => ({
      path,
      sizeBytes: 1,
      mtimeMs: 0,
      ctimeMs: 0,
      sha256: sha256(`${label}'s ${path}`),
    }));
  const planned = (
    parts: Partial<PlannedJob> & { settings?: PlannedJob['job']['settings']; files?: string[] },
  ): PlannedJob => ({
    stage: 'order',
    stageVersion: 1,
    needsEngine: true,
    forced: false,
    selected: true,
    job: job('order/a', { settings: parts.settings ?? { seed: 1, ridge: 1e-4 }, files: parts.files }),
    ...parts,
  });

  it('changes with everything that matters, and with nothing else', async () => {
    const weights = write('weights', 'content');
    const digests = await openFileDigests(folder);
    const of = async (
      parts: Parameters<typeof planned>[0] = {},
      inputs: [string, JobInput][] = [['data/all', input('d')]],
      engine: 'wasm' | 'tensorflow' = 'wasm',
    ) => fingerprintData(planned({ files: [weights], ...parts }), engine, new Map(inputs), digests);

    const base = await of();
    const same = [
      await of({ settings: { ridge: 1e-4, seed: 1 } }),
      await of({ settings: { ridge: 1e-4, seed: 1, unset: undefined } }),
      await of({ files: [write('moved', 'content')] }),
      await of({ forced: true, selected: false }),
    ];
    for (const data of same) assert.equal(fingerprintOf(data), fingerprintOf(base));

    const changes: [FingerprintData, string][] = [
      [await of({ stageVersion: 2 }), "the stage's code changed (version 1 -> 2)"],
      [await of({}, undefined, 'tensorflow'), 'engine changed: wasm -> tensorflow'],
      [await of({ settings: { seed: 2, ridge: 1e-4 } }), 'setting changed: seed 1 -> 2'],
      [
        await of({ settings: { seed: 1, ridge: 1e-4, a: { b: [1] } } }),
        'setting changed: a unset -> {"b":[1]}',
      ],
      [await of({ files: [write('other', 'changed')] }), `file changed: ${join(folder, 'other')}`],
      [await of({ files: [weights, weights] }), 'it depends on other files now'],
      [await of({}, []), 'data/all is not there any more'],
      [
        await of({}, [
          ['data/all', input('d')],
          ['data/b', input('d')],
        ]),
        'data/b is there now',
      ],
      [await of({}, [['data/all', input('x')]]), 'data/all wrote something else'],
    ];
    const seen = new Set([fingerprintOf(base)]);
    for (const [data, why] of changes) {
      assert.equal(explainChange(base, data, [join(folder, 'other')]), why);
      assert.ok(!seen.has(fingerprintOf(data)), `${why}: a fingerprint of its own`);
      seen.add(fingerprintOf(data));
    }
    assert.equal(explainChange(base, same[0]!, []), '');
    const plain = await of({ needsEngine: false });
    const other = await of({ needsEngine: false }, undefined, 'tensorflow');
    assert.equal(fingerprintOf(plain), fingerprintOf(other), 'no numerics, no engine');
  });

  it('sees of a job only the files that are read, and waits for no others', async () => {
    const digests = await openFileDigests(folder);
    const of = async (found: JobInput, reads?: readonly string[]) =>
      fingerprintData(
        planned({ job: job('order/a', { reads: reads && { 'data/all': reads } }) }),
        'wasm',
        new Map([['data/all', found]]),
        digests,
      );
    const [a, b] = [input('old'), input('new')] as [readonly OutputFile[], readonly OutputFile[]];
    const mixed = [a[0]!, b[1]!];
    assert.equal(explainChange(await of(a, ['a']), await of(mixed, ['a']), []), '');
    assert.equal(
      explainChange(await of(a, ['b']), await of(mixed, ['b']), []),
      'data/all wrote something else',
    );
    assert.equal(explainChange(await of(a), await of(mixed), []), 'data/all wrote something else');
    assert.deepEqual(await of(a, []), await of('unknown', []), 'that it succeeded is all');
    assert.equal((await of('unknown', ['a'])).inputs['data/all'], 'unknown');
    assert.equal(explainChange(await of(a, ['a']), await of('unknown', ['a']), []), '');
  });

  it('says which file is missing', async () => {
    const digests = await openFileDigests(folder);
    await assert.rejects(digests.digest(join(folder, 'absent')), /absent: no such file/);
    await assert.rejects(digests.digest(folder), /is not a file/);
  });

  const later = () => Date.now() + 60_000;

  it('reads a settled file once, also across runs, and a young or changed one again', async () => {
    const path = write('weights', 'aaaa');
    const first = await openFileDigests(folder, later);
    assert.equal(await first.digest(path), sha256('aaaa'));
    await first.save();
    // What is kept is believed: that the file is not read is seen where what is kept is wrong.
    const cache = join(folder, '.digests.json');
    writeFileSync(cache, readFileSync(cache, 'utf8').replaceAll(sha256('aaaa'), sha256('kept')));
    const second = await openFileDigests(folder);
    assert.equal(await second.digest(path), sha256('kept'));
    write('weights', 'bbbb');
    assert.equal(await second.digest(path), sha256('bbbb'));
    await second.save();
    assert.ok(!readFileSync(cache, 'utf8').includes(sha256('bbbb')));
    assert.ok(Date.now() - statSync(path).mtimeMs < 2000, 'this file was young');
  });

  it('reads a file again that was written anew or replaced at its size and time', async () => {
    const path = write('checkpoint', 'aaaa');
    const old = new Date(Date.now() - 600_000);
    utimesSync(path, old, old);
    const digests = await openFileDigests(folder, later);
    assert.equal(await digests.digest(path), sha256('aaaa'));
    write('checkpoint', 'bbbb');
    utimesSync(path, old, old);
    assert.equal(await digests.digest(path), sha256('bbbb'));
    const other = write('checkpoint.new', 'cccc');
    utimesSync(other, old, old);
    renameSync(other, path);
    assert.equal(await digests.digest(path), sha256('cccc'));
  });
});
