/**
 * A registry of stages without any numerics, run in real child processes. What a job does is told by a file
 * `<FAKE_CONTROL>/<stage>--<part>.json`, which is no part of the fingerprint, so a test can change it between runs.
 * Every start and end is appended to `<FAKE_CONTROL>/log.jsonl`.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobPlan, JobContext, Stage } from '../../pipeline/runner/contract.ts';
import { fail } from '../../pipeline/util/failure.ts';
import type { Json } from '../../pipeline/util/hash.ts';
import { present } from '../support/present.ts';

export interface FakeBehaviour {
  /** Work goes on until this file exists in the control folder. */
  readonly waitFor?: string;
  /** Told to stop, it does not. */
  readonly deaf?: boolean;
  readonly failure?: 'expected' | 'bug' | 'full-disk' | 'hiccup' | 'escaped' | undefined;
  readonly die?: NodeJS.Signals | undefined;
  /** Bytes that its process keeps from then on. */
  readonly grow?: number;
  /** Computes for so long without letting anything else happen. */
  readonly busyMs?: number;
  /** Only the first so many of its tries go wrong. Default all. */
  readonly tries?: number;
  /** Leaves a checkpoint before it goes wrong. */
  readonly checkpoint?: boolean;
  readonly warning?: string;
  /** Calls of `progress` in a row. */
  readonly progress?: number;
  readonly reads?: string;
}

export interface FakeLogLine {
  readonly type: 'start' | 'end' | 'engine';
  readonly job?: string | undefined;
  readonly pid: number;
  readonly slot?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly time: number;
}

export interface FakeInput {
  readonly jobs: readonly JobPlan[];
}

export const stageNames = [
  'data',
  'teacher',
  'statistics',
  'order',
  'refit',
  'distill',
  'measure',
  'compose',
  'polish',
  'profile',
  'rank',
  'export',
  'report',
];

export const stages: readonly Stage<FakeInput>[] = stageNames.map((name) => ({
  name,
  version: 1,
  needsEngine: name !== 'data',
  plan: ({ jobs }) => jobs.filter(({ id }) => id.startsWith(`${name}/`)),
  work: () => Promise.resolve({ run }),
}));

export function prepareWorker(): Promise<{ engine: string; tensors: () => number }> {
  log({ type: 'engine' });
  return Promise.resolve({ engine: 'Fake 1.0', tensors: () => 7 });
}

async function run(job: JobPlan, context: JobContext): Promise<Json> {
  const control = present(process.env.FAKE_CONTROL);
  const checkpoint = join(context.resumeFolder, 'step.txt');
  const found = existsSync(checkpoint) ? readFileSync(checkpoint, 'utf8') : undefined;
  log({ type: 'start', job: job.id, checkpoint: found });
  const file = join(control, `${job.id.replace('/', '--')}.json`);
  const how = behaviour(file, job.id);
  for (let i = 0; i < (how.progress ?? 0); i++) {
    context.progress({
      fraction: i / present(how.progress),
      note: `step ${i}`,
      metrics: { loss: 1 / (i + 1) },
    });
  }
  if (how.warning !== undefined) context.warn(how.warning);
  writeFileSync(join(context.folder, 'half.txt'), 'half a result');
  if (how.grow !== undefined) kept.push(Buffer.alloc(how.grow, 1));
  const busyUntil = Date.now() + (how.busyMs ?? 0);
  while (Date.now() < busyUntil);
  if (how.checkpoint === true) writeFileSync(checkpoint, 'step 41');
  if (how.die !== undefined) process.kill(process.pid, how.die);
  if (how.failure === 'expected') {
    fail({
      reason: 'not-finite',
      subject: job.id,
      found: 'loss is NaN',
      next: 'use a smaller learning rate',
    });
  }
  if (how.failure === 'bug') throw new TypeError('x is not a function');
  if (how.failure === 'full-disk') writeFileSync('/dev/full', 'bytes');
  if (how.failure === 'hiccup') {
    throw Object.assign(new Error('EIO: i/o error, read'), {
      code: 'EIO',
      syscall: 'read',
      path: '/nfs/images',
    });
  }
  if (how.failure === 'escaped') {
    setTimeout(() => {
      throw new Error('thrown where nobody waits');
    });
    await sleep(5000);
  }
  while (how.waitFor !== undefined && !existsSync(join(control, how.waitFor))) {
    if (context.signal.aborted && how.deaf !== true) {
      writeFileSync(checkpoint, 'step 41');
      throw context.signal.reason;
    }
    await sleep(5);
  }
  if (how.reads !== undefined) context.input(how.reads);
  const inputs = [...job.needs, ...(job.wants ?? [])].map((id) => {
    const folder = job.needs.includes(id) ? context.input(id) : context.optionalInput(id);
    return folder === undefined ? null : readFileSync(join(folder, 'deep/result.txt'), 'utf8');
  });
  mkdirSync(join(context.folder, 'deep'));
  writeFileSync(join(context.folder, 'deep/result.txt'), JSON.stringify({ settings: job.settings, inputs }));
  log({ type: 'end', job: job.id });
  return { inputs: inputs.length };
}

const kept: Buffer[] = [];

function behaviour(file: string, job: string): FakeBehaviour {
  const how = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FakeBehaviour) : {};
  if (how.tries === undefined) return how;
  const log = readFileSync(join(present(process.env.FAKE_CONTROL), 'log.jsonl'), 'utf8');
  const starts = log
    .split('\n')
    .filter((line) => line.includes('"start"') && line.includes(`"${job}"`)).length;
  return starts > how.tries ? { ...how, die: undefined, failure: undefined } : how;
}

function log(line: Pick<FakeLogLine, 'type' | 'job' | 'checkpoint'>): void {
  const entry: FakeLogLine = { ...line, pid: process.pid, slot: process.env.FAKE_SLOT, time: Date.now() };
  appendFileSync(join(present(process.env.FAKE_CONTROL), 'log.jsonl'), `${JSON.stringify(entry)}\n`);
}
