import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { duration } from '../../pipeline/terminal/options.ts';
import { exitCodes, exitCodesLine } from '../../pipeline/terminal/exit-codes.ts';
import { watchStops } from '../../pipeline/terminal/stops.ts';

describe('stopping in time', () => {
  it('is 130 after Ctrl-C and 75 after what schedulers send; a second signal kills', () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 75],
      ['SIGUSR1', 75],
      ['SIGHUP', 75],
    ] as const) {
      const before = process.listenerCount(signal);
      const stops = watchStops();
      process.emit(signal);
      assert.deepEqual([stops.why, stops.exitCode], [signal, code]);
      assert.deepEqual([stops.polite.aborted, stops.now.aborted], [true, false]);
      process.emit('SIGINT');
      assert.ok(stops.now.aborted);
      assert.deepEqual([stops.why, stops.exitCode], [signal, code], 'the first tells why');
      stops.dispose();
      assert.equal(process.listenerCount(signal), before);
    }
  });

  it('comes with the deadline, which asks once and never kills', async () => {
    const stops = watchStops({ after: performance.now() / 1000 + 0.02 });
    assert.equal(stops.why, undefined);
    while (!stops.polite.aborted) await sleep(5);
    assert.deepEqual([stops.why, stops.exitCode, stops.now.aborted], ['--stop-after', 75, false]);
    stops.dispose();
    const early = watchStops({ after: 0.001 });
    process.emit('SIGTERM');
    await sleep(20);
    assert.deepEqual([early.why, early.now.aborted], ['SIGTERM', false]);
    early.dispose();
  });

  it('lets go of what has nothing to save', async () => {
    const stops = watchStops();
    assert.equal(await stops.before(Promise.resolve(7)), 7);
    await assert.rejects(stops.before(Promise.reject(new Error('no'))), /no/);
    const waiting = stops.before(new Promise(() => undefined));
    process.emit('SIGTERM');
    assert.equal(await waiting, undefined);
    assert.equal(await stops.before(new Promise(() => undefined)), undefined);
    stops.dispose();
  });

  it('takes durations as people write them', () => {
    const read = (text: string) => duration('stop-after', text);
    assert.deepEqual(
      ['7h30m', '90s', '45m', '2h', '1d', '1h0m5s'].map(read),
      [27_000, 90, 2700, 7200, 86_400, 3605],
    );
    assert.equal(duration('stop-after', undefined), undefined);
    for (const text of ['', '7', '7.5h', '30m7h', '0s', '-1h', 'h', '7 h', '25d', '1w'])
      assert.throws(() => read(text), /--stop-after .*: (not a duration|longer than 24 days)/, text);
  });

  it('is in one table of exit codes, in the help and in the docs', () => {
    const docs = readFileSync(new URL('../../docs/unattended.md', import.meta.url), 'utf8');
    for (const { code, meaning } of exitCodes) {
      assert.ok(exitCodesLine.includes(`${code} ${meaning}`));
      assert.match(docs, new RegExp(`^\\| +${code} +\\| +${meaning}`, 'm'), `${code} in docs/unattended.md`);
    }
  });
});
