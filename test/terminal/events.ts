import type { Event } from '../../pipeline/runner/contract.ts';
import type { Terminal } from '../../pipeline/terminal/terminal.ts';
import { plain } from '../../pipeline/terminal/terminal.ts';
import { sha256 } from '../../pipeline/util/hash.ts';

const outputs = sha256('outputs');

/** A short run with everything in it: fresh, progress, a warning, a failure, a blocked job. Times in ms. */
export const story: readonly (readonly [time: number, event: Event])[] = [
  [
    0,
    {
      type: 'run-started',
      run: 'demo',
      folder: 'runs/demo',
      engine: 'tensorflow',
      jobs: 8,
      time: '2026-01-01T00:00:00.000Z',
    },
  ],
  [0, { type: 'job-skipped', job: 'data/prepare', state: 'fresh' }],
  [0, { type: 'job-skipped', job: 'teacher/import', state: 'fresh' }],
  [0, { type: 'job-skipped', job: 'teacher/check', state: 'fresh' }],
  [100, { type: 'job-started', job: 'distill/block-00', slot: 0, resumed: false }],
  [150, { type: 'job-started', job: 'distill/block-01', slot: 1, resumed: true }],
  [
    2_000,
    {
      type: 'job-progress',
      job: 'distill/block-00',
      fraction: 0.3,
      note: 'epoch 3/10',
      metrics: { loss: 0.0123456, tokensPerSecond: 51234.5 },
      secondsLeft: 125,
      runSecondsLeft: 300,
      rssBytes: 1.2e9,
    },
  ],
  [
    11_000,
    {
      type: 'job-progress',
      job: 'distill/block-00',
      fraction: 0.56,
      note: 'epoch 5/10',
      metrics: { loss: 0.01 },
      secondsLeft: 70,
      runSecondsLeft: 290,
      rssBytes: 1.25e9,
    },
  ],
  [22_000, { type: 'job-progress', job: 'distill/block-00', fraction: 0.6, rssBytes: 1.25e9 }],
  [23_000, { type: 'job-progress', job: 'distill/block-01', fraction: 0.01, rssBytes: 1e9 }],
  [72_000, { type: 'job-progress', job: 'distill/block-00', fraction: 0.62, rssBytes: 1.25e9 }],
  [
    73_000,
    {
      type: 'job-warning',
      job: 'distill/block-00',
      message: 'w0384: training did not beat the refit; the refit is kept',
    },
  ],
  [
    73_100,
    {
      type: 'job-warning',
      job: 'distill/block-00',
      message: 'w0192: training did not beat the refit; the refit is kept',
    },
  ],
  [
    74_000,
    {
      type: 'job-finished',
      job: 'distill/block-00',
      seconds: 73.9,
      summary: { images: 2000, error: 0.0034567, ids: ['a'] },
      outputs,
    },
  ],
  [
    75_000,
    {
      type: 'job-failed',
      job: 'distill/block-01',
      seconds: 74.85,
      failure: {
        reason: 'not-finite',
        subject: 'distill, block-01, w0384',
        found: 'the loss is NaN at step 120',
        expected: 'a finite loss',
        next: 'lower distill.learningRate, e.g. --set distill.learningRate=0.0003',
      },
    },
  ],
  [75_000, { type: 'job-blocked', job: 'measure/shard-0', by: ['distill/block-01'] }],
  [75_100, { type: 'job-started', job: 'profile/widths', slot: 0, resumed: false }],
  [76_000, { type: 'job-finished', job: 'profile/widths', seconds: 0.9, summary: null, outputs }],
  [
    76_100,
    { type: 'run-finished', seconds: 76.1, ran: 2, fresh: 3, failed: 1, blocked: 1, interrupted: false },
  ],
];

/** A terminal that remembers what was written. */
export function fakeTerminal(isLive = false): Terminal & { readonly text: () => string } {
  let text = '';
  return {
    write: (more) => void (text += more),
    eraseLine: '',
    isLive,
    columns: 100,
    paint: plain,
    text: () => text,
  };
}
