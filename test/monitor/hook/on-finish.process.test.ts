import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEnd } from '../../../pipeline/monitor/listener.ts';
import { onFinish, type OnFinishOptions } from '../../../pipeline/monitor/hook/on-finish.ts';
import type { RunSummary } from '../../../pipeline/monitor/hook/summary.ts';
import { done, factsOf, failed, finish, started } from '../events.ts';

describe('the command at the end of a run', function () {
  this.timeout(20_000);
  let folder: string;
  let notes: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-hook-'));
    notes = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const end = async (command: string, how: RunEnd = done, changes: Partial<OnFinishOptions> = {}) => {
    const signal = new AbortController().signal;
    const note = (text: string) => notes.push(text);
    const listener = onFinish({ command, facts: factsOf(folder), note, signal, ...changes });
    listener.handle(started);
    listener.handle(finish('order/block-00'));
    listener.handle(failed('distill/block-00'));
    await listener.close(how);
    return readFileSync(join(folder, 'on-finish.log'), 'utf8');
  };

  it('reads what came of it as variables', async () => {
    const log = await end(
      'echo "$BLOCKFORGE_RUN $BLOCKFORGE_OUTCOME $BLOCKFORGE_EXIT_CODE $BLOCKFORGE_FAILED $BLOCKFORGE_LIBRARY"',
    );
    assert.equal(log, `vit done 0 1 ${folder}/library\n`);
    assert.deepEqual(notes, []);
  });

  it('and as JSON on its input', async () => {
    const trouble = { reason: 'out-of-space', subject: '/x', found: 'full' } as const;
    const log = await end('cat', { outcome: 'failed', exitCode: 4, seconds: 3, troubles: [trouble] });
    const summary = JSON.parse(log) as RunSummary;
    assert.equal(summary.outcome, 'failed');
    assert.deepEqual(summary.jobs, { finished: 1, fresh: 0, failed: 1, blocked: 0, retried: 0 });
    assert.equal(summary.failures[0]?.job, 'distill/block-00');
    assert.deepEqual(summary.troubles, [trouble]);
    assert.deepEqual(summary.results, { library: `${folder}/library` });
  });

  it('gets names that a shell would obey as text', async () => {
    const facts = { ...factsOf(folder), name: '$(touch evil); `id` "' };
    assert.equal(await end('printf %s "$BLOCKFORGE_RUN"', done, { facts }), '$(touch evil); `id` "');
  });

  it('that fails is a note, and need not read its input', async () => {
    await end('exec <&-; exit 3');
    assert.deepEqual(notes, [
      `onFinish: the command ended with exit code 3; its output: ${folder}/on-finish.log`,
    ]);
  });

  it('that takes too long is ended, with what it started', async () => {
    const begun = performance.now();
    await end('sleep 60 & sleep 60', done, { limitMs: 100 });
    assert.ok(performance.now() - begun < 10_000);
    assert.match(notes.join(), /was ended: it took more than 0\.1 s/);
  });

  it('runs where its output can be written nowhere', async () => {
    const place = join(folder, 'seen');
    const logFolder = join(folder, 'none');
    await end(`echo x > ${place}`, done, { logFolder }).catch(() => undefined);
    assert.equal(readFileSync(place, 'utf8'), 'x\n');
  });
});
