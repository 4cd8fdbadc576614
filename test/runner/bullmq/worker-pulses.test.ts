import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerPulses } from '../../../pipeline/runner/bullmq/worker-pulses.ts';

describe('what a worker tells in a run folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-pulses-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const files = () => {
    try {
      return readdirSync(join(folder, '.status')).filter((name) => name.endsWith('.json'));
    } catch {
      return [];
    }
  };
  const until = async (condition: () => boolean) => {
    const end = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${condition.toString()}`);
      await sleep(5);
    }
  };

  it('goes when it has long had no job of the run, and comes with the next', async () => {
    const pulses = workerPulses({ slots: 1 }, 20);
    pulses.handle(folder, { type: 'job-started', job: 'order/a', slot: 0, resumed: false });
    await until(() => files().length === 1);
    await sleep(40);
    assert.equal(files().length, 1, 'as long as there is a job at work it stays');
    pulses.handle(folder, { type: 'job-interrupted', job: 'order/a' });
    await until(() => files().length === 0);
    pulses.handle(folder, { type: 'job-started', job: 'order/b', slot: 0, resumed: false });
    await until(() => files().length === 1);
    await pulses.close();
    assert.deepEqual(files(), []);
  });
});
