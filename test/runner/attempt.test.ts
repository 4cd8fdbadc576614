import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginAttempt, removeAttempts } from '../../pipeline/runner/attempt.ts';
import type { JobRequest } from '../../pipeline/runner/executor.ts';
import type { Fingerprint } from '../../pipeline/runner/fingerprint.ts';
import { claimResumeFolder, dropResumeFolder, hasCheckpoint } from '../../pipeline/runner/resume-folder.ts';
import { job } from './rig.ts';

describe('an attempt', () => {
  const fingerprint = 'f'.repeat(64) as Fingerprint;
  const request: JobRequest = {
    ...{ stage: 'order', job: job('order/a'), fingerprint, priority: 0, engine: null },
    ...{ folder: 'order/a.tmp-00000001', resumeFolder: '.resume/order/a', published: {}, inputs: {} },
  };
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-attempt-'));
    await claimResumeFolder(folder, 'order/a', fingerprint, true);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const step = (resumeFolder: string): string | undefined => {
    const path = join(folder, resumeFolder, 'step.txt');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };

  it('takes the checkpoint, and gives it back where it does not succeed', async () => {
    write('.resume/order/a/step.txt', '41');
    const attempt = await beginAttempt(folder, request);
    assert.equal(step(attempt.request.resumeFolder), '41');
    assert.equal(step('.resume/order/a'), undefined);
    assert.equal(await hasCheckpoint(folder, 'order/a', fingerprint), true, 'a run finds it all the same');
    write(`${attempt.request.resumeFolder}/step.txt`, '42');
    await attempt.giveUp();
    assert.equal(step('.resume/order/a'), '42');
    assert.deepEqual(readdirSync(join(folder, '.resume/order')).sort(), ['a', 'a.fingerprint']);
    assert.deepEqual(readdirSync(join(folder, 'order')), []);
  });

  it('goes on from where a lost one was; that one is late, and what it writes is nobody’s', async () => {
    const lost = await beginAttempt(folder, request);
    write(`${lost.request.resumeFolder}/step.txt`, '7');
    const next = await beginAttempt(folder, request);
    assert.equal(step(next.request.resumeFolder), '7');
    write(`${next.request.resumeFolder}/step.txt`, '9');
    write(`${lost.request.resumeFolder}/step.txt`, '8');
    write(`${lost.request.folder}/result.txt`, 'late');
    await lost.giveUp();
    assert.equal(step('.resume/order/a'), undefined, 'the late one has nothing to give back');
    const third = await beginAttempt(folder, request);
    assert.equal(step(third.request.resumeFolder), '9');
  });

  it('never takes a checkpoint of another fingerprint', async () => {
    const lost = await beginAttempt(folder, request);
    write(`${lost.request.resumeFolder}/step.txt`, '7');
    const other = 'e'.repeat(64) as Fingerprint;
    const { resumed } = await claimResumeFolder(folder, 'order/a', other, true);
    assert.equal(resumed, false);
    const next = await beginAttempt(folder, { ...request, fingerprint: other });
    assert.equal(step(next.request.resumeFolder), undefined);
    await lost.giveUp();
    assert.equal(step('.resume/order/a'), undefined);
  });

  it('leaves its checkpoint to a run that does its jobs itself', async () => {
    const lost = await beginAttempt(folder, request);
    write(`${lost.request.resumeFolder}/step.txt`, '7');
    const { resumed } = await claimResumeFolder(folder, 'order/a', fingerprint);
    assert.deepEqual([resumed, step('.resume/order/a')], [true, '7']);
    await dropResumeFolder(folder, 'order/a');
    assert.deepEqual(readdirSync(join(folder, '.resume/order')), []);
  });

  it('that was lost is removed, one that lives is not, and no checkpoint that can be gone on with', async () => {
    const [lost, living] = [await beginAttempt(folder, request), await beginAttempt(folder, request)];
    const handedOn = await beginAttempt(folder, { ...request, folder: 'library/.new.tmp-00000002' });
    write(`${handedOn.request.resumeFolder}/step.txt`, '7');
    write('.resume/order/a.attempt-00000009/step.txt', 'late');
    write('library/notes.attempt-00000001', 'a user’s');
    await removeAttempts(folder, () => Promise.resolve(new Set([living.id])));
    assert.equal(existsSync(join(folder, lost.request.folder)), false);
    assert.equal(existsSync(join(folder, living.request.folder)), true);
    assert.deepEqual(readdirSync(join(folder, 'library')), ['notes.attempt-00000001']);
    assert.equal(step(handedOn.request.resumeFolder), '7');
    assert.equal(existsSync(join(folder, '.resume/order/a.attempt-00000009')), false);
  });
});
