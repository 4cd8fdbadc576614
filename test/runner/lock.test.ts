import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, type LockOwner } from '../../pipeline/runner/lock-owner.ts';
import { lockRun } from '../../pipeline/runner/lock.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';

describe('lock', () => {
  let folder: string;
  const lost = (why: string) => assert.fail(why);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const isRefused = async (found: RegExp) =>
    assert.rejects(lockRun(folder, lost), ({ failure }: BlockForgeError) => {
      assert.equal(failure.reason, 'run-locked');
      assert.match(failure.found, found);
      return true;
    });

  /** What a run leaves behind that had no time to clean up. */
  const leaveLock = (owner: Partial<LockOwner>, isEmpty = false) => {
    mkdirSync(join(folder, '.lock'));
    const all = { command: 'npm run pipeline', started: '2026-01-02T03:04:05Z', ...owner };
    if (!isEmpty) writeFileSync(join(folder, 'owner.json'), JSON.stringify(all));
    else utimesSync(join(folder, '.lock'), 0, 0);
  };

  it('lets one in at a time and leaves nothing behind', async () => {
    const lock = await lockRun(folder, lost);
    await isRefused(new RegExp(`in use by process ${process.pid} on ${hostname()} since .*\\(.+\\)`));
    await lock.release();
    assert.deepEqual(readdirSync(folder), []);
    await (await lockRun(folder, lost)).release();
  });

  it('recovers at once from an owner that died here, and only one of many does', async () => {
    leaveLock({ pid: spawnSync(process.execPath, ['-e', '']).pid, host: hostname() });
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => lockRun(folder, lost)));
    const won = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(won.length, 1);
    await won[0]!.release();
  });

  it('recovers at once from an owner that died while it took or gave back the lock', async () => {
    const lock = await lockRun(folder, lost);
    const owner = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as LockOwner;
    assert.ok(isAlive(owner));
    await lock.release();
    // Its number may be another's by now; where a system counts when processes begin, it is not.
    leaveLock({ ...owner, processStart: owner.processStart && '1' }, owner.processStart === undefined);
    await (await lockRun(folder, lost)).release();
    // Between its name and its lock.
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
    await (await lockRun(folder, lost)).release();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('leaves the lock to an owner that lives here, however long it was suspended', async () => {
    const lock = await lockRun(folder, lost);
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(join(folder, '.lock'), old, old);
    await isRefused(/in use by process/);
    await lock.release();
  });

  it('says of a machine of the same name nothing that it cannot know', () => {
    const owner = { pid: 1, host: hostname(), command: '', started: '', machine: 'another start' };
    assert.equal(isAlive(owner), undefined);
    assert.equal(isAlive({ ...owner, host: 'elsewhere' }), undefined);
  });

  it('waits for the lock of another machine to grow old', async () => {
    leaveLock({ pid: 1, host: 'elsewhere' });
    await isRefused(/process 1 on elsewhere since 2026-01-02T03:04:05Z \(npm run pipeline\)/);
    const old = new Date(Date.now() - 31_000);
    utimesSync(join(folder, '.lock'), old, old);
    await (await lockRun(folder, lost)).release();
  });
});
