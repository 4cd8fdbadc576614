import assert from 'node:assert/strict';
import { toJobFailure } from '../../pipeline/runner/job-failure.ts';
import { passingOf, passingOfError } from '../../pipeline/runner/passing.ts';
import { longestWaitSeconds, waitBeforeRetry, waitUnless } from '../../pipeline/runner/retry.ts';
import { BlockForgeError, type FailureReason } from '../../pipeline/util/failure.ts';
import { refuseWrite } from '../../pipeline/util/system-failure.ts';

const systemError = (code: string, syscall = 'read') =>
  Object.assign(new Error(`${code}: it failed`), { code, syscall, path: '/runs/x/file' });

describe('what may pass', () => {
  it('is what a disk, a server, a network or a full machine does, and signals from outside', () => {
    for (const code of ['EIO', 'ESTALE', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE', 'EAGAIN', 'ENOMEM', 'ENOTCONN'])
      assert.equal(passingOfError(systemError(code)), true, code);
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGBUS']) assert.equal(passingOf(signal), true, signal);
    assert.equal(passingOf('SIGSEGV'), 'once');
  });

  it('is not what stays: full disks, missing files, bugs, aborts of engines', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'ENOENT', 'EACCES', 'EROFS', 'EFBIG', 'EMFILE'])
      assert.equal(passingOfError(systemError(code)), false, code);
    for (const name of ['SIGABRT', 'SIGILL', 'SIGFPE', 'toString', null, undefined])
      assert.equal(passingOf(name), false, String(name));
    assert.equal(passingOfError(new TypeError('x is not a function')), false);
    assert.equal(passingOfError('a string'), false);
    for (const reason of [
      'not-finite',
      'gate-failed',
      'config-invalid',
      'data-invalid',
    ] satisfies FailureReason[])
      assert.equal(passingOfError(new BlockForgeError({ reason, subject: 'x', found: 'y' })), false, reason);
  });

  it('is found in what was thrown because of it', () => {
    assert.equal(passingOfError(new Error('no image', { cause: systemError('ESTALE') })), true);
    assert.throws(
      () => refuseWrite(systemError('EIO', 'write'), '/runs/x/file'),
      (error) => passingOfError(error) === true,
    );
    const failed = toJobFailure('order/a', systemError('ETIMEDOUT', 'connect'), '/runs/x');
    assert.equal(failed.passing, true);
    assert.doesNotMatch(failed.failure.next ?? '', /bug/);
    assert.equal(toJobFailure('order/a', systemError('ENOSPC'), '/runs/x').passing, undefined);
  });
});

describe('waits before another try', () => {
  const retries = { times: 3, waitSeconds: 10 };

  it('double, up to an hour, and come to an end', () => {
    const waits = [1, 2, 3, 4].map((attempt) => waitBeforeRetry({ passing: true }, attempt, retries));
    assert.deepEqual(waits, [10, 20, 40, undefined]);
    assert.equal(waitBeforeRetry({ passing: true }, 500, { ...retries, times: 1000 }), longestWaitSeconds);
  });

  it('are none where nothing passes, and one where it passes once', () => {
    assert.equal(waitBeforeRetry({}, 1, retries), undefined);
    assert.deepEqual(
      [1, 2].map((attempt) => waitBeforeRetry({ passing: 'once' }, attempt, retries)),
      [10, undefined],
    );
    assert.equal(waitBeforeRetry({ passing: 'once' }, 1, { ...retries, times: 0 }), undefined);
  });

  it('end at once where the run is to stop', async () => {
    const stop = new AbortController();
    const waiting = waitUnless(stop.signal, 1000);
    stop.abort();
    assert.equal(await waiting, false);
    assert.equal(await waitUnless(undefined, 0.001), true);
  });
});
