import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHistory } from '../../../pipeline/report/common/read-history.ts';

describe('the history of a run folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-history-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (second: number) => new Date(Date.UTC(2027, 2, 1) + 1000 * second).toISOString();
  const line = (second: number, event: object) => `${JSON.stringify({ time: at(second), ...event })}\n`;
  const failure = { reason: 'job-failed', subject: 'x', found: 'y' };

  it('has all starts, all tries, and the most memory of each job', async () => {
    writeFileSync(
      join(folder, 'events.jsonl'),
      [
        line(0, { type: 'run-started', run: 'r', folder: 'f', engine: 'wasm', jobs: 2 }),
        line(1, { type: 'job-started', job: 'a/1', slot: 0, resumed: false }),
        line(2, { type: 'job-progress', job: 'a/1', fraction: 0.1, rssBytes: 100 }),
        line(3, { type: 'job-progress', job: 'a/1', fraction: 0.2, note: 'say "rssBytes":9', rssBytes: 300 }),
        line(4, { type: 'job-retried', job: 'a/1', attempt: 1, waitSeconds: 1, failure }),
        line(5, { type: 'job-started', job: 'a/1', slot: 0, resumed: true }),
        line(9, { type: 'job-finished', job: 'a/1', seconds: 4, summary: {}, outputs: '' }),
        line(9, { type: 'job-started', job: 'a/2', slot: 1, resumed: false }),
        line(100, { type: 'run-started', run: 'r', folder: 'f', engine: 'wasm', jobs: 2 }),
        line(101, { type: 'job-started', job: 'a/2', slot: 0, resumed: true, worker: 'b:7' }),
        line(104, { type: 'job-failed', job: 'a/2', seconds: 3, failure }),
      ].join(''),
    );
    mkdirSync(join(folder, 'events'));
    writeFileSync(
      join(folder, 'events', 'a-2.jsonl'),
      line(200, { type: 'job-started', job: 'a/2', slot: 0, resumed: true }) +
        line(210, { type: 'job-finished', job: 'a/2', seconds: 10, summary: {}, outputs: '' }),
    );
    const { sessions, tries, peakBytes } = await readHistory(folder);
    const second = (ms: number) => (ms - Date.UTC(2027, 2, 1)) / 1000;
    assert.deepEqual(
      sessions.map(({ started, ended }) => [second(started), second(ended)]),
      [
        [0, 9],
        [100, 104],
      ],
    );
    assert.deepEqual(
      tries.map(({ job, by, started, ended, end }) => [job, by, second(started), second(ended), end]),
      [
        ['a/1', 'slot 0', 1, 4, 'retried'],
        ['a/1', 'slot 0', 5, 9, 'finished'],
        ['a/2', 'slot 1', 9, 9, 'lost'],
        ['a/2', 'b:7', 101, 104, 'failed'],
        ['a/2', 'by itself', 200, 210, 'finished'],
      ],
    );
    assert.deepEqual([...peakBytes], [['a/1', 300]]);
  });

  it('is what can be read of a log that is torn, foreign, or has a line without end', async () => {
    writeFileSync(
      join(folder, 'events.jsonl'),
      Buffer.concat([
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.from(
          'null\n[]\n{"time":3,"type":"job-started","job":"a/1"}\n{"type":"job-started","job":"a/1"}\n',
        ),
        Buffer.from('{"time":"no time","type":"job-finished","job":"a/1","seconds":1}\n'),
        Buffer.from(`{"time":"${at(0)}","type":"job-failed","job":"a/1","seconds":"x","failure":null}\n`),
        Buffer.from(`{"time":"${at(0)}","type":"job-finished","job":{"a":1},"seconds":1}\n`),
        Buffer.from(`{"time":"${at(0)}","type":"constructor","job":"a/1"}\n`),
        Buffer.alloc(5 * 2 ** 20, 0x61),
        Buffer.from(
          `\n${line(10, { type: 'job-finished', job: 'a/1', seconds: Infinity, summary: {}, outputs: '' })}`,
        ),
        Buffer.from(line(20, { type: 'job-started', job: 'a/2', slot: 'x' }).slice(0, -9)),
      ]),
    );
    const { tries } = await readHistory(folder);
    assert.deepEqual(
      tries.map(({ job, end, ended, started }) => [job, end, ended - started]),
      [
        ['a/1', 'failed', 0],
        ['a/1', 'finished', 0],
      ],
    );
    assert.deepEqual((await readHistory(join(folder, 'nowhere'))).tries, []);
  });
});
