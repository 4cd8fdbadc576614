import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../../pipeline/runner/contract.ts';
import { createEventBus, openJsonlLog } from '../../pipeline/runner/events.ts';
import { throttle } from '../../pipeline/runner/local/throttle.ts';
import { watchInterrupts } from '../../pipeline/terminal/interrupts.ts';
import type { Failure } from '../../pipeline/util/failure.ts';

const event: Event = { type: 'job-interrupted', job: 'order/a' };

describe('events', () => {
  it('reach every subscriber, past one that throws', () => {
    const bus = createEventBus();
    const seen: Event[] = [];
    bus.subscribe(() => {
      throw new Error('a bug in a renderer');
    });
    const end = bus.subscribe((heard) => seen.push(heard));
    bus.emit(event);
    bus.emit(event);
    end();
    bus.emit(event);
    assert.deepEqual(seen, [event, event]);
    assert.equal(bus.errors.length, 1);
  });

  it('are appended one per line, after a line that a crash cut short', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-events-'));
    try {
      const path = join(folder, 'events.jsonl');
      writeFileSync(path, '{"type":"job-st');
      const log = openJsonlLog(path, (failure) => assert.fail(failure.found));
      log.write(event);
      log.write(event);
      log.close();
      const lines = readFileSync(path, 'utf8').split('\n');
      assert.equal(lines.length, 4);
      const { time, ...rest } = JSON.parse(lines[1]!) as Event & { time: string };
      assert.deepEqual(rest, event);
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 10_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("of a job's progress are kept every two seconds, and where it needs clearly more memory", () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-events-'));
    try {
      let time = 0;
      const path = join(folder, 'events.jsonl');
      const log = openJsonlLog(
        path,
        (failure) => assert.fail(failure.found),
        () => time,
      );
      const progress = (at: number, rssBytes: number, job = 'order/a'): void => {
        time = at;
        log.write({ type: 'job-progress', job, fraction: at / 1e4, rssBytes });
      };
      progress(0, 100);
      progress(100, 104);
      progress(200, 200);
      progress(300, 100, 'order/b');
      progress(2100, 150);
      progress(2200, 150);
      progress(4100, 209);
      log.write(event);
      log.close();
      const kept = readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Event);
      assert.deepEqual(
        kept.map((line) => (line.type === 'job-progress' ? line.rssBytes : line.type)),
        [100, 200, 100, 150, 'job-interrupted'],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('survive a full disk, with one clear failure', function () {
    // Whoever may write there may have put a file in its place.
    if (!statSync('/dev/full', { throwIfNoEntry: false })?.isCharacterDevice()) {
      console.log('      skipped: no /dev/full on this system');
      return this.skip();
    }
    const failures: Failure[] = [];
    const log = openJsonlLog('/dev/full', (failure) => failures.push(failure));
    log.write(event);
    log.write(event);
    log.close();
    assert.equal(failures.length, 1);
    assert.equal(failures[0]!.reason, 'out-of-space');
    assert.equal(failures[0]!.subject, '/dev/full');
  });

  it('are thinned out: the first at once, then the newest', () => {
    const passed: number[] = [];
    let time = 0;
    let timers: { readonly at: number; readonly call: () => void }[] = [];
    const sleep = (ms: number): void => {
      time += ms;
      const due = timers.filter(({ at }) => at <= time);
      timers = timers.filter((timer) => !due.includes(timer));
      for (const { call } of due) call();
    };
    const { push, drop } = throttle<number>(100, (value) => passed.push(value), {
      now: () => time,
      later(call, ms) {
        const timer = { at: time + ms, call };
        timers.push(timer);
        return () => (timers = timers.filter((other) => other !== timer));
      },
    });
    for (let i = 0; i < 100; i++) push(i);
    assert.deepEqual(passed, [0]);
    sleep(99);
    assert.deepEqual(passed, [0]);
    sleep(1);
    assert.deepEqual(passed, [0, 99]);
    sleep(50);
    push(100);
    push(101);
    drop();
    sleep(200);
    assert.deepEqual(passed, [0, 99], 'what waits is forgotten');
    push(102);
    push(103);
    assert.deepEqual(passed, [0, 99, 102]);
    // A computation that keeps the timer from firing.
    time += 100;
    push(104);
    assert.deepEqual(passed, [0, 99, 102, 104]);
    sleep(200);
    assert.deepEqual(passed, [0, 99, 102, 104], 'and what was passed on late is not passed on again');
  });

  it('interrupts ask first and then insist', () => {
    const before = process.listenerCount('SIGINT');
    const { polite, now, dispose } = watchInterrupts();
    process.emit('SIGINT');
    assert.deepEqual([polite.aborted, now.aborted], [true, false]);
    process.emit('SIGTERM');
    assert.ok(now.aborted);
    dispose();
    assert.equal(process.listenerCount('SIGINT'), before);
  });
});
