import assert from 'node:assert/strict';
import {
  formatSeconds,
  renderAnswers,
  renderRows,
  unequal,
  type RowResult,
} from '../../../bench/peers/render.ts';

const time = (seconds: number) => ({ wallSeconds: seconds, processorSeconds: 2 * seconds });

const step: RowResult = {
  title: 'step',
  rounds: 3,
  count: 1,
  ours: time(0.1),
  flop: 10e9,
  products: { flop: 5e9, timing: { wallSeconds: 0.04, processorSeconds: 0.1 } },
  peers: [
    { name: 'one', timing: time(0.17), difference: 1.2e-6, tolerance: 1e-4 },
    { name: 'two', timing: { wallSeconds: 1.25, processorSeconds: 1 }, difference: 2e-3, tolerance: 1e-4 },
  ],
  answers: [],
};

describe('table of the peers', () => {
  it('has a line for every peer, with ratios by clock and processor and the share of the product rate', () => {
    assert.deepEqual(renderRows([step]), [
      '        ours  against  theirs  ratio  by processor  difference  products     reached',
      '----  ------  -------  ------  -----  ------------  ----------  --------  ----------',
      'step  100 ms  one      170 ms   1.70          1.70        1e-6       125  80 / 100 %',
      '              two      1.25 s  12.50          5.00        2e-3',
    ]);
  });

  it('shows our side alone where there is no peer, and theirs alone where we have nothing yet', () => {
    const alone = renderRows([{ ...step, peers: [] }]);
    assert.equal(alone[0], '        ours  products     reached');
    assert.equal(alone[2], 'step  100 ms       125  80 / 100 %');
    const peers = [{ name: 'one', timing: time(0.2), difference: null, tolerance: 1 }];
    const theirs = renderRows([{ ...step, ours: null, products: null, peers }]);
    assert.equal(theirs[2], 'step     -  one      200 ms      -             -');
  });

  it('names what is not the same work', () => {
    assert.deepEqual(unequal([step]), ['step, two: its answer differs by 2e-3, 1e-4 is allowed']);
    const peers = [{ name: 'one', timing: time(1), difference: Infinity, tolerance: 1 }];
    assert.equal(unequal([{ ...step, peers }]).length, 1);
  });

  it('prints answers that have names side by side', () => {
    const answers = [
      { name: 'error', values: [0.25, 0.2501] },
      { name: 'KL', values: [1.5, 2] },
    ];
    assert.deepEqual(renderAnswers([step, { ...step, answers }]), [
      'step, ours / theirs: error 0.2500 / 0.2501; KL 1.500 / 2.000',
    ]);
  });

  it('writes times with three digits', () => {
    assert.deepEqual([0.003021, 0.5071, 12.34].map(formatSeconds), ['3.02 ms', '507 ms', '12.3 s']);
  });
});
