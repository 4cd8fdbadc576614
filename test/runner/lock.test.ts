import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockRun } from '../../pipeline/runner/lock.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';

describe('lock', () => {
  let folder: string;
  const lost = () => assert.fail('the lock was lost');
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
  const leaveLock = (pid: number, host: string) => {
    mkdirSync(join(folder, '.lock'));
    const owner = { pid, host, command: 'npm run pipeline', started: '2026-01-02T03:04:05Z' };
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
  };

  it('lets one in at a time and leaves nothing behind', async () => {
    const lock = await lockRun(folder, lost);
    await isRefused(new RegExp(`in use by process ${process.pid} on ${hostname()} since .*\\(.+\\)`));
    await lock.release();
    assert.deepEqual(readdirSync(folder), []);
    await (await lockRun(folder, lost)).release();
  });

  it('recovers at once from an owner that died here, and only one of many does', async () => {
    leaveLock(spawnSync(process.execPath, ['-e', '']).pid, hostname());
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => lockRun(folder, lost)));
    const won = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(won.length, 1);
    await won[0]!.release();
  });

  it('waits for the lock of another machine to grow old', async () => {
    leaveLock(1, 'elsewhere');
    await isRefused(/process 1 on elsewhere since 2026-01-02T03:04:05Z \(npm run pipeline\)/);
    const old = new Date(Date.now() - 31_000);
    utimesSync(join(folder, '.lock'), old, old);
    await (await lockRun(folder, lost)).release();
  });
});
