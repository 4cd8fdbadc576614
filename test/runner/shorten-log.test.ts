import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../../pipeline/runner/contract.ts';
import { failedBefore } from '../../pipeline/runner/failed-before.ts';
import { shortenLog } from '../../pipeline/runner/shorten-log.ts';

describe('a log of events that has become long', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-log-'));
    path = join(folder, 'events.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  let second = 0;
  const line = (type: Event['type'], fields: object = {}): string => {
    const time = new Date(1.8e12 + 1000 * second++).toISOString();
    return `${JSON.stringify({ time, type, ...fields })}\n`;
  };
  const progress = (job: string, count: number): string =>
    Array.from({ length: count }, (_, i) => line('job-progress', { job, fraction: i / count })).join('');
  const types = (): string[] =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((text) => {
        const { type, job = '' } = JSON.parse(text) as { type: string; job?: string };
        return `${type} ${job}`.trim();
      });

  it('keeps of earlier runs what failed and ended, of the last one all but most of its progress', async () => {
    const first = [
      line('run-started'),
      line('job-failed', { job: 'a/mended', failure: { found: 'a "type":"job-progress" in a text' } }),
      line('job-failed', { job: 'a/bad', failure: {} }),
      line('job-blocked', { job: 'b/blocked', by: ['a/bad'] }),
      line('job-started', { job: 'a/good' }),
      progress('a/good', 100),
      line('job-finished', { job: 'a/good' }),
      line('run-finished'),
    ];
    const second = [line('run-started'), line('job-skipped', { job: 'a/mended' })];
    const third = [line('job-skipped', { job: 'a/good' }), line('run-finished')];
    const last = [
      line('run-started'),
      line('job-skipped', { job: 'a/good' }),
      progress('c/long', 1000),
      progress('c/short', 3),
    ];
    writeFileSync(path, [...first, ...second, ...third, ...last].join(''));
    const failed = await failedBefore(folder);
    shortenLog(path, 1000);
    assert.deepEqual(await failedBefore(folder), failed);
    assert.deepEqual(failed, new Set(['a/bad', 'b/blocked']));
    const left = types();
    const isProgress = (type: string) => type.startsWith('job-progress');
    assert.deepEqual(
      left.filter((type) => !isProgress(type)),
      [
        'run-started',
        'job-failed a/mended',
        'job-failed a/bad',
        'job-blocked b/blocked',
        'job-started a/good',
        'job-finished a/good',
        'run-finished',
        'run-started',
        'job-skipped a/mended',
        'run-finished',
        'run-started',
        'job-skipped a/good',
      ],
    );
    assert.equal(left.filter((type) => type === 'job-progress c/long').length, 20);
    assert.equal(left.filter((type) => type === 'job-progress c/short').length, 3);
    assert.deepEqual(readdirSync(folder), ['events.jsonl']);
  });

  it('of a job by itself keeps the progress since its last start, thinned', () => {
    const start = line('job-started', { job: 'a/x' });
    writeFileSync(path, [start, progress('a/x', 50), start, progress('a/x', 200), '{"time":"to'].join(''));
    shortenLog(path, 1000);
    const text = readFileSync(path, 'utf8');
    assert.equal(text.split('"job-progress"').length - 1, 20);
    assert.equal(text.split('"job-started"').length - 1, 2);
    assert.ok(text.endsWith('\n{"time":"to'), 'whoever appends closes it');
  });

  it('stays where a link leads, and is not touched while it is short', () => {
    const target = join(folder, 'target');
    writeFileSync(target, line('run-started') + progress('a/x', 100) + line('run-started'));
    symlinkSync(target, path);
    const before = statSync(path);
    shortenLog(path);
    assert.equal(statSync(path).ino, before.ino);
    shortenLog(path, 1000);
    assert.deepEqual(types(), ['run-started', 'run-started']);
    assert.deepEqual(readdirSync(folder).sort(), ['events.jsonl', 'target']);
    shortenLog(join(folder, 'none'), 0);
  });

  it('is shortened whatever its lines and chunks are', () => {
    const note = 'x'.repeat(300_000);
    const long = Array.from({ length: 9 }, () => line('job-warning', { job: 'a/x', message: note }));
    writeFileSync(path, [progress('a/x', 100), ...long].join(''));
    shortenLog(path, 1000);
    assert.equal(types().length, 20 + 9);
    assert.ok(readFileSync(path, 'utf8').endsWith(long.join('')));
  });
});
