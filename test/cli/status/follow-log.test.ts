import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { followLog } from '../../../pipeline/cli/status/follow-log.ts';
import { FolderOfARun } from './folder-of-a-run.ts';

const line = (type: string, fields: object = {}): string =>
  `${JSON.stringify({ time: '2027-03-01T08:00:00.000Z', type, ...fields })}\n`;
const progress = line('job-progress', { job: 'a/x', note: 'x'.repeat(1000) });

describe('following a log of events', () => {
  let folder: FolderOfARun;
  let path: string;
  beforeEach(() => {
    folder = new FolderOfARun();
    path = join(folder.path, 'events.jsonl');
  });
  afterEach(() => folder.dispose());

  it('gives the last run, and what is added line by line', async () => {
    const follow = followLog(path);
    const types = async () => (await follow()).map(({ type }) => type);
    assert.deepEqual(await types(), []);
    writeFileSync(path, line('run-started') + line('run-finished') + line('run-started') + progress);
    assert.deepEqual(await types(), ['run-started']);
    const added = line('job-started', { job: 'a/ü' });
    const bytes = Buffer.from(added);
    const cut = bytes.indexOf(0xbc);
    appendFileSync(path, bytes.subarray(0, cut));
    assert.deepEqual(await types(), ['run-started']);
    appendFileSync(path, bytes.subarray(cut));
    const [, started] = await follow();
    assert.ok(started?.type === 'job-started' && started.job === 'a/ü');
    assert.deepEqual(await types(), ['run-started', 'job-started'], 'once');
    appendFileSync(path, line('run-finished') + line('run-started') + line('job-skipped', { job: 'a/x' }));
    assert.deepEqual(await types(), ['run-started', 'job-skipped']);
  });

  it('finds the start of a run far from the end', async () => {
    writeFileSync(
      path,
      line('run-finished') + line('run-started') + line('job-skipped') + progress.repeat(1500),
    );
    assert.deepEqual(
      (await followLog(path)()).map(({ type }) => type),
      ['run-started', 'job-skipped'],
    );
  });

  it('reads a file anew that was replaced, cut short or removed', async () => {
    const follow = followLog(path);
    const types = async () => (await follow()).map(({ type }) => type);
    writeFileSync(path, line('run-started') + progress + line('job-skipped'));
    assert.deepEqual(await types(), ['run-started', 'job-skipped']);
    writeFileSync(`${path}.new`, line('run-started') + line('job-failed', { failure: { found: 'x' } }));
    renameSync(`${path}.new`, path);
    assert.deepEqual(await types(), ['run-started', 'job-failed']);
    truncateSync(path, line('run-started').length);
    assert.deepEqual(await types(), ['run-started']);
    rmSync(path);
    assert.deepEqual(await types(), []);
  });
});
