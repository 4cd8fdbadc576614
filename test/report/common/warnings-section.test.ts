import assert from 'node:assert/strict';
import { warningsSection, type Standing } from '../../../pipeline/report/common/warnings-section.ts';

const standing = (changes: Partial<Standing>): Standing => ({
  state: 'finished',
  jobs: { jobs: 2, done: 2, blocked: 0, left: 0 },
  failures: [],
  warnings: [],
  retried: 0,
  ...changes,
});

function noticesOf(changes: Partial<Standing>, gates: readonly string[] = []): string[] {
  const [part] = warningsSection(standing(changes), gates).parts;
  assert.ok(part?.kind === 'notices');
  return part.notices.map(({ level, text }) => `${level}: ${text}`);
}

describe('warnings and gates of a report', () => {
  it('tells once what many jobs say, and what held', () => {
    const warnings = ['refit/block-00', 'refit/block-01', 'distill/block-00'].map((job) => ({
      job,
      message: 'few images',
    }));
    assert.deepEqual(
      noticesOf({ warnings: [...warnings, { job: 'rank/library', message: 'a tie' }] }, ['It held.']),
      ['warning: refit, distill (3 jobs): few images', 'warning: rank/library: a tie', 'good: It held.'],
    );
    assert.deepEqual(noticesOf({}), ['good: No warnings.']);
  });

  it('says first what failed, why, what waits for it and what to do', () => {
    const failure = { subject: 'block 3', found: 'the loss is not a number', next: 'lower the rate' };
    assert.deepEqual(
      noticesOf({
        state: 'failed',
        failures: [{ job: 'distill/block-03', failure }],
        jobs: { jobs: 4, done: 1, blocked: 2, left: 0 },
        retried: 1,
      }),
      [
        'failure: distill/block-03 failed. block 3: the loss is not a number. Next: lower the rate.',
        'failure: 2 jobs could not begin: what they need failed.',
        'note: 1 try of a job went wrong and was made again.',
      ],
    );
  });
});
