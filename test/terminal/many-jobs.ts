import type { Event } from '../../pipeline/runner/contract.ts';

/** A run of 40 jobs at work on `slots` slots, in the middle of it. */
export function manyJobs(slots: number): readonly Event[] {
  const of = (i: number) => `${i < 12 ? 'distill' : 'refit'}/block-${String(i % 12).padStart(2, '0')}`;
  const running = Array.from({ length: slots }, (_, i) => of(i));
  return [
    {
      ...{ type: 'run-started', run: 'many', folder: 'runs/many', engine: 'tensorflow', jobs: 40 },
      ...{ time: '2026-01-01T00:00:00.000Z' },
      notes: [
        `${slots} of 32 jobs at once: the largest that can run together take 39.0 GB, and this machine has 24.0 GB of memory`,
      ],
    },
    ...running.map((job, slot): Event => ({ type: 'job-started', job, slot, resumed: false })),
    ...running.map((job, slot): Event => ({
      ...{ type: 'job-progress', job, fraction: (slot + 1) / (slots + 1), note: `epoch ${slot + 1}/30` },
      metrics: { loss: 0.0123 * (slot + 1), learningRate: 0.0003, tokensPerSecond: 51_234.5 },
      ...{ secondsLeft: 300 - 10 * slot, runSecondsLeft: 900, rssBytes: 1.2e9 },
    })),
    {
      type: 'job-warning',
      job: running[0]!,
      message:
        'w0384 of the class 日本語 in a folder with a long name: training did not beat the refit, which is kept instead of it',
    },
  ];
}
