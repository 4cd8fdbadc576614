import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Event } from '../../../pipeline/runner/contract.ts';
import { thisOwner } from '../../../pipeline/runner/lock-owner.ts';
import type { PlanRecord } from '../../../pipeline/runner/plan-record.ts';
import type { PulseRecord } from '../../../pipeline/runner/pulse-record.ts';

/** A day of made-up runs. */
export const morning = '2027-03-01T08:00:00.000Z';

export const failure = {
  reason: 'job-failed',
  subject: 'block 3',
  found: 'the loss is not a number',
  next: 'lower the rate',
} as const;

/** What runs leave in their folder, made up. */
export class FolderOfARun {
  readonly path = mkdtempSync(join(tmpdir(), 'blockforge-status-'));

  dispose(): void {
    rmSync(this.path, { recursive: true });
  }

  write(path: string, content: unknown): string {
    const place = join(this.path, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, typeof content === 'string' ? content : JSON.stringify(content));
    return place;
  }

  /** Jobs are `stage/part`, each needs those given. */
  plan(jobs: Readonly<Record<string, readonly string[]>>, changes: Partial<PlanRecord> = {}): void {
    const ids = Object.keys(jobs);
    const record: PlanRecord = {
      ...{ format: 1, id: 'plan', engine: 'wasm', time: morning },
      stages: [...new Set(ids.map((id) => id.split('/')[0] ?? ''))],
      jobs: ids.map((id) => ({
        ...{ id, stage: id.split('/')[0] ?? '', needs: [...(jobs[id] ?? [])], wants: [], seconds: 10 },
        ...{ exclusive: false, selected: true, state: 'missing' },
      })),
      ...changes,
    };
    this.write('.status/plan.json', record);
  }

  done(...ids: readonly string[]): void {
    for (const id of ids)
      this.write(`${id}/done.json`, {
        format: 1,
        finishedAt: '2027-03-01T08:10:00.000Z',
        seconds: 20,
        warnings: [],
      });
  }

  /** @param seconds how long ago it was written */
  pulse(name: string, changes: Partial<PulseRecord> = {}, seconds = 0): void {
    const record: PulseRecord = {
      ...{ format: 1, kind: 'run', owner: { ...thisOwner() }, slots: 1, time: new Date().toISOString() },
      ...{ running: [], done: 0, fresh: 0, failed: 0, blocked: 0, failures: [] },
      ...changes,
    };
    const written = Date.now() / 1000 - seconds;
    utimesSync(this.write(`.status/${name}.json`, record), written, written);
  }

  log(event: Event, time = morning, file = 'events.jsonl'): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    appendFileSync(join(this.path, file), `${JSON.stringify({ ...event, time })}\n`);
  }

  start(time = morning): void {
    this.log({ type: 'run-started', run: 'fake', folder: this.path, engine: 'wasm', jobs: 1, time }, time);
  }
}

/** A process of this machine that is no more. */
export const gone: PulseRecord['owner'] = {
  ...thisOwner(),
  host: hostname(),
  pid: 4_000_000,
  processStart: 'long ago',
};

/** Of another machine. */
export const elsewhere: PulseRecord['owner'] = {
  pid: 12,
  host: 'far-away',
  started: morning,
  machine: 'other',
};
