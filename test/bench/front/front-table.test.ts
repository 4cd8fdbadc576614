import assert from 'node:assert/strict';
import { frontTable, polishTable, type FrontRow } from '../../../bench/front/front-table.ts';
import type { PolishedStart } from '../../../bench/front/polish-starts.ts';

const row: FrontRow = {
  way: 'teacher',
  what: '',
  budget: null,
  costs: { params: 4_000_000, macs: 1_000_000_000, peakBytes: 1_200_000 },
  latency: { milliseconds: 20, ofTeacher: 1 },
  top1Percent: { mean: 75, low: 70, high: 79.5 },
  differencePp: null,
  kl: { mean: 0, low: 0, high: 0 },
  seconds: 0,
};
const worse: FrontRow = {
  ...row,
  way: 'units',
  what: '384 units',
  budget: 0.72,
  costs: { params: 3_000_000, macs: 720_000_000, peakBytes: 1_200_000 },
  latency: { milliseconds: 15, ofTeacher: 0.75 },
  differencePp: { mean: -10, low: -13.2, high: -7.1 },
  kl: { mean: 0.5, low: 0.44, high: 0.56 },
};
const better: FrontRow = {
  ...worse,
  way: 'merging',
  what: 'r 9',
  kl: { mean: 0.0251, low: 0.02, high: 0.031 },
};

describe('bench/front/front-table', () => {
  it('has a section for each budget, what diverges least first, all of it beside the teacher', () => {
    const lines = frontTable(row, [worse, better, { ...worse, way: 'queries-keys', budget: null }]).split(
      '\n',
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('###')),
      ['### At most 72 % of the multiply-adds', '### One side of the attention alone'],
    );
    assert.deepEqual(lines.slice(4, 7), [
      '| teacher | 1.00 G (100 %) | 4.00 M (100 %) | 1.20 MB (100 %) | 20.0 (1.00) | 75.0 [70.0, 79.5] | - | - |',
      '| merging: r 9 | 720 M (72 %) | 3.00 M (75 %) | 1.20 MB (100 %) | 15.0 (0.75) | 75.0 [70.0, 79.5] | -10.0 [-13.2, -7.1] | 0.0251 [0.0200, 0.0310] |',
      '| units: 384 units | 720 M (72 %) | 3.00 M (75 %) | 1.20 MB (100 %) | 15.0 (0.75) | 75.0 [70.0, 79.5] | -10.0 [-13.2, -7.1] | 0.50 [0.44, 0.56] |',
    ]);
  });

  it('puts what each start became beside what it was', () => {
    const start: PolishedStart = {
      start: 'vbp',
      width: 384,
      fitSeconds: 12,
      trainingSeconds: 588,
      steps: 400,
      before: { top1Percent: worse.top1Percent, kl: worse.kl },
      after: { top1Percent: row.top1Percent, kl: better.kl },
      differencePp: null,
    };
    assert.equal(
      polishTable([start], 10).split('\n').at(-1),
      '| 384 | vbp | 12 | 400 | 588 | 75.0 [70.0, 79.5] | 0.50 [0.44, 0.56] | 75.0 [70.0, 79.5] | 0.0251 [0.0200, 0.0310] | - |',
    );
  });
});
