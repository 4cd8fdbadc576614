import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counters, metrics, type MetricKey } from '../../../pipeline/monitor/prometheus/metrics.ts';
import { prometheus } from '../../../pipeline/monitor/prometheus/prometheus.ts';
import type { RunEnd } from '../../../pipeline/monitor/listener.ts';
import { begin, done, factsOf, failed, finish, noNote, progress, started } from '../events.ts';

describe('the text file for Prometheus', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-prometheus-'));
    path = join(folder, 'vit.prom');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const listen = (everyMs = 5) =>
    prometheus({ path, facts: factsOf('/runs/"vit"\n'), note: noNote, everyMs });
  const value = (line: string): number | undefined => {
    const found = readFileSync(path, 'utf8')
      .split('\n')
      .find((one) => one.startsWith(line));
    return found === undefined ? undefined : Number(found.split(' ').at(-1));
  };
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('shows a run at work, then how it ended', async () => {
    const listener = listen();
    listener.handle(started);
    listener.handle({ type: 'job-skipped', job: 'data/splits', state: 'fresh' });
    listener.handle(begin('order/block-00'));
    listener.handle(finish('order/block-00'));
    listener.handle(begin('distill/block-00'));
    const failure = { reason: 'job-failed', subject: 'x', found: 'killed' } as const;
    listener.handle({ type: 'job-retried', job: 'distill/block-00', attempt: 1, waitSeconds: 10, failure });
    listener.handle(
      progress('distill/block-00', {
        fraction: 0.25,
        metrics: { 'loss w0384': 0.5, tokensPerSecond: Infinity },
      }),
    );
    await until(() => existsSync(path) && value('blockforge_job_progress_ratio{') === 0.25);
    assert.equal(value('blockforge_run_state{state="running"'), 1);
    assert.equal(value('blockforge_jobs{state="waiting"'), 1);
    assert.equal(value('blockforge_jobs{state="running"'), 1);
    assert.equal(value('blockforge_stage_jobs{stage="order",state="finished"'), 1);
    assert.equal(value('blockforge_stage_seconds{stage="order"'), 2);
    assert.equal(value('blockforge_job_retries_total{stage="distill"'), 1);
    assert.equal(value('blockforge_job_metric{job="distill/block-00",metric="loss w0384"'), 0.5);
    assert.equal(value('blockforge_run_start_timestamp_seconds'), Date.parse('2026-01-02T03:04:05Z') / 1000);
    assert.equal(value('blockforge_last_success_timestamp_seconds'), undefined);
    const before = value('blockforge_heartbeat_timestamp_seconds') ?? 0;
    await until(() => (value('blockforge_heartbeat_timestamp_seconds') ?? 0) > before);

    await listener.close(done);
    assert.equal(value('blockforge_run_state{state="done"'), 1);
    assert.equal(value('blockforge_run_exit_code'), 0);
    assert.ok(value('blockforge_last_success_timestamp_seconds'));
    assert.deepEqual(readdirSync(folder), ['vit.prom']);
  });

  it('is text that Prometheus reads: HELP and TYPE before the samples, names by its conventions, values escaped', async () => {
    const listener = listen();
    listener.handle(started);
    listener.handle(failed('distill/block-00'));
    await listener.close({ ...done, outcome: 'failed', exitCode: 5 });
    const text = readFileSync(path, 'utf8');
    assert.ok(text.endsWith('\n'));
    let current = '';
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# HELP ')) continue;
      const type = /^# TYPE (\S+) (gauge|counter)$/.exec(line);
      if (type !== null) current = type[1] ?? '';
      // No timestamps: node exporter refuses them.
      else assert.match(line, new RegExp(`^${current}\\{([a-z_]+="(\\\\.|[^"\\\\])*",?)+\\} [0-9.e+-]+$`));
    }
    assert.match(text, /folder="\/runs\/\\"vit\\"\\n"/);
    for (const [key, [name]] of Object.entries(metrics)) {
      assert.match(name, /^blockforge_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), counters.includes(key as MetricKey), name);
    }
  });

  it('remembers the last success over a night that failed', async () => {
    const first = listen();
    first.handle(started);
    await first.close(done);
    const success = value('blockforge_last_success_timestamp_seconds');
    const second = listen();
    second.handle(started);
    await second.close({ ...done, outcome: 'failed', exitCode: 5 });
    assert.equal(value('blockforge_last_success_timestamp_seconds'), success);
    assert.equal(value('blockforge_run_state{state="failed"'), 1);
  });

  it('is left alone by a run that is refused because another one is at work, not by one that is refused otherwise', async () => {
    writeFileSync(path, 'of another\n');
    const refused = (reason: 'run-locked' | 'out-of-space'): RunEnd => ({
      ...{
        outcome: 'failed',
        exitCode: 6,
        seconds: 1,
        troubles: [{ reason, subject: '/runs/vit', found: 'x' }],
      },
    });
    await listen().close(refused('run-locked'));
    assert.equal(readFileSync(path, 'utf8'), 'of another\n');
    await listen().close(refused('out-of-space'));
    assert.equal(value('blockforge_run_exit_code'), 6);
  });

  it('that cannot be written is one note', async () => {
    writeFileSync(path, '');
    const notes: string[] = [];
    const listener = prometheus({
      ...{
        path: join(path, 'vit.prom'),
        facts: factsOf('/runs/vit'),
        note: (text) => notes.push(text),
        everyMs: 1,
      },
    });
    listener.handle(started);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await listener.close(done);
    assert.equal(notes.length, 1, notes.join());
    assert.match(notes[0] ?? '', /^monitor\.prometheus: .*; the run goes on$/s);
  });
});
