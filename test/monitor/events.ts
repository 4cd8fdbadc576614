import type { RunEnd, RunFacts } from '../../pipeline/monitor/listener.ts';
import type { Event, JobProgress } from '../../pipeline/runner/contract.ts';
import { sha256 } from '../../pipeline/util/hash.ts';

/** Events and ends of runs that do not happen. */
export const started: Event = {
  type: 'run-started',
  run: 'vit',
  folder: '/runs/vit',
  engine: 'wasm',
  jobs: 4,
  time: '2026-01-02T03:04:05.000Z',
};
export const progress = (job: string, told: Partial<JobProgress>): Event => ({
  type: 'job-progress',
  job,
  fraction: 0.5,
  rssBytes: 1000,
  ...told,
});
export const begin = (job: string): Event => ({ type: 'job-started', job, slot: 0, resumed: false });
export const finish = (job: string, summary = {}): Event => ({
  ...{ type: 'job-finished', job, seconds: 2, summary, outputs: sha256('') },
});
export const failed = (job: string): Event => ({
  ...{ type: 'job-failed', job, seconds: 1 },
  failure: { reason: 'not-finite', subject: job, found: 'the loss is NaN' },
});

/** Where nothing may go wrong. */
export const noNote = (text: string): never => {
  throw new Error(`noted: ${text}`);
};

export const done: RunEnd = { outcome: 'done', exitCode: 0, seconds: 12, troubles: [] };

export const factsOf = (folder: string): RunFacts => ({
  name: 'vit',
  folder,
  engine: 'wasm',
  version: '1.2.3',
  config: { seed: 1, distill: { duration: { steps: 20 } }, sparsities: [0.5, 0.75], long: 'x'.repeat(9000) },
  results: () => ({ library: `${folder}/library` }),
});
