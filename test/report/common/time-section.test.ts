import assert from 'node:assert/strict';
import type { RunHistory, Try } from '../../../pipeline/report/common/run-history.ts';
import { stageTimes } from '../../../pipeline/report/common/stage-times.ts';
import { timeSection } from '../../../pipeline/report/common/time-section.ts';
import { timelineBars } from '../../../pipeline/report/common/timeline-bars.ts';
import { workClock } from '../../../pipeline/report/common/work-clock.ts';
import { present } from '../../support/present.ts';

const attempt = (job: string, started: number, ended: number, changes: Partial<Try> = {}): Try => ({
  ...{ job, by: 'slot 0', started: 1000 * started, ended: 1000 * ended, end: 'finished' },
  ...changes,
});
const historyOf = (tries: readonly Try[]): RunHistory => ({
  sessions: [],
  tries,
  peakBytes: new Map([['a/1', 5e8]]),
  leftOut: 0,
});

describe('where the time went', () => {
  it('is told without the nights, in which nobody was at work', () => {
    const night = 10 * 3600;
    const clock = workClock([
      { started: 0, ended: 100_000 },
      { started: 90_000, ended: 200_000 },
      { started: 1000 * (200 + night), ended: 1000 * (230 + night) },
    ]);
    assert.equal(clock.totalSeconds, 230);
    assert.deepEqual(clock.breaks, [200]);
    assert.deepEqual(
      [50_000, 150_000, 1000 * (200 + night / 2), 1000 * (210 + night)].map((ms) => clock.at(ms)),
      [50, 150, 200, 210],
    );
  });

  it('adds up all tries of a stage, also those that came to nothing', () => {
    const times = stageTimes(
      historyOf([
        attempt('a/1', 0, 10, { end: 'retried' }),
        attempt('a/1', 12, 42),
        attempt('b/1', 0, 50),
        attempt('a/2', 42, 62),
      ]),
    );
    assert.deepEqual(times, [
      { stage: 'a', jobs: 2, seconds: 60, longest: { job: 'a/1', seconds: 40 }, wrong: 1, peakBytes: 5e8 },
      { stage: 'b', jobs: 1, seconds: 50, longest: { job: 'b/1', seconds: 50 }, wrong: 0 },
    ]);
  });

  it('has lanes for jobs of one worker that ran at once, and no more bars than can be told apart', () => {
    const twice = [attempt('a/1', 0, 10), attempt('a/2', 5, 15), attempt('b/1', 10, 20)];
    const few = timelineBars(twice, workClock(twice));
    assert.deepEqual(
      few.map(({ lane, stage, start, end }) => [lane, stage, start, end]),
      [
        ['slot 0', 'a', 0, 10],
        ['slot 0', 'b', 10, 20],
        ['slot 0 (2)', 'a', 5, 15],
      ],
    );
    const many = Array.from({ length: 5000 }, (_, i) =>
      attempt(`${i % 40 < 20 ? 'a' : 'b'}/${i}`, i, i + 0.9),
    );
    const bars = timelineBars(many, workClock(many));
    assert.ok(bars.length <= 250 && bars.length > 10, String(bars.length));
    assert.match(present(bars[0]).text, /20 jobs, a\/0 to a\/19/);
  });

  it('is nothing of a folder in which nothing was done, and says what failed where something was', () => {
    assert.equal(timeSection(historyOf([])), undefined);
    const section = present(
      timeSection(historyOf([attempt('a/1', 0, 10, { end: 'failed' }), attempt('a/2', 10, 300)])),
    );
    assert.match(present(section.lead), /^5 min 00 s from start to end; 5 min 00 s of work/);
    const [chart, table] = section.parts;
    assert.ok(chart?.kind === 'chart' && JSON.stringify(chart.spec).includes('a/1: 10 s, slot 0, failed'));
    assert.ok(table?.kind === 'table');
    assert.deepEqual(
      table.rows[0]?.map(({ text }) => text),
      ['a', '2', '5 min 00 s', '100.0 %', '4 min 50 s', '500 MB', '1'],
    );
  });
});
