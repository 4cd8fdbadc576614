import assert from 'node:assert/strict';
import { describeSideBySide } from '../../../pipeline/cli/run/side-by-side.ts';
import type { SideBySide } from '../../../pipeline/runner/side-by-side.ts';

const found: SideBySide = {
  stages: [
    { stage: 'order', jobs: 12, inARow: 1, kind: 'set' },
    { stage: 'refit', jobs: 12, inARow: 12, kind: 'chain' },
    { stage: 'teacher', jobs: 3, inARow: 2, kind: 'mixed' },
    { stage: 'measure', jobs: 1, inARow: 1, kind: 'set' },
  ],
  criticalPath: {
    jobs: ['teacher/model', 'measure/shard-0'],
    seconds: 120,
    stages: [
      { stage: 'measure', seconds: 100 },
      { stage: 'teacher', seconds: 20 },
    ],
  },
  totalSeconds: 240,
  bySlots: [
    { slots: 1, seconds: 240, speedUp: 1 },
    { slots: 2, seconds: 120, speedUp: 2 },
  ],
};

describe('what a plan says of jobs side by side', () => {
  it('is sets, chains, the longest chain and what slots bring, with the settings that free or cut what holds up', () => {
    assert.deepEqual(
      describeSideBySide(found, { refit: 'inputs.from: teacher', measure: 'a higher measure.shards' }),
      [
        'Side by side: order 12',
        'In a row: refit 12, teacher 3 (2 in a row); inputs.from: teacher frees refit',
        'Longest chain: 2 jobs, 2 min 00 s, most of it measure (a higher measure.shards cuts it); so many at once against one: 2 2.0x',
      ],
    );
  });

  it('names no setting where there is none, and nothing where every stage is one job', () => {
    assert.deepEqual(describeSideBySide(found).slice(1), [
      'In a row: refit 12, teacher 3 (2 in a row)',
      'Longest chain: 2 jobs, 2 min 00 s; so many at once against one: 2 2.0x',
    ]);
    assert.deepEqual(describeSideBySide({ ...found, stages: found.stages.slice(3) }), []);
  });
});
