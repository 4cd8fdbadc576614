import assert from 'node:assert/strict';
import {
  accuracyDecimals,
  formatAccuracy,
  formatDelta,
  formatMetric,
  signed,
} from '../../pipeline/terminal/numbers.ts';
import { planTotals, renderPlan } from '../../pipeline/cli/run/plan.ts';
import type { SideBySide } from '../../pipeline/runner/side-by-side.ts';
import { renderSummary } from '../../pipeline/cli/show/command.ts';
import { renderMeasured } from '../../pipeline/cli/verify/render.ts';
import { renderTable } from '../../pipeline/terminal/table.ts';
import { plain, terminalOf } from '../../pipeline/terminal/terminal.ts';
import type { DescendantSummary, LibrarySummary } from '../../pipeline/cli/show/summary.ts';
import type { PlanRow } from '../../pipeline/runner/states.ts';
import { assertAscii, assertGolden } from './golden.ts';
import { present } from '../support/present.ts';

const descendant = (
  block: string,
  width: number,
  rank: number,
  delta: readonly [number, number, number],
  more: Partial<DescendantSummary> = {},
): DescendantSummary => ({
  id: `${block}/w${String(width).padStart(4, '0')}`,
  width,
  sparsity: 1 - width / 768,
  rank,
  top1DeltaPp: { mean: delta[0], low: delta[1], high: delta[2] },
  params: width * 385 + 192,
  macs: width * 384 * 197,
  latencyMs: { p50: width / 1000, p90: width / 900 },
  ...more,
});

const summary: LibrarySummary = {
  engine: 'TensorFlow 2.21.0 on cpu',
  seed: 1,
  images: 2000,
  contexts: ['teacher', 'middle', 'sparsest'],
  teacher: { top1: 68.2, top1Low: 66.13, top1High: 70.21, images: 2000, params: 5_717_416, macs: 1.26e9 },
  blocks: [
    {
      block: 'block-00',
      descendants: [
        descendant('block-00', 232, 2, [-3.105, -4.4, -1.85], {
          kl: 0.0712,
          agreement: 88.25,
          dominated: true,
          gainOverRefit: -0.002,
        }),
        descendant('block-00', 768, 0, [0, 0, 0], { kl: 0, agreement: 100 }),
        descendant('block-00', 384, 1, [-0.42, -1.1, 0.25], {
          kl: 0.0123,
          agreement: 96.4,
          gainOverRefit: 0.1234,
        }),
      ],
    },
    { block: 'block-01', descendants: [descendant('block-01', 384, 1, [0.1, -0.5, 0.7])] },
  ],
  uniform: [
    {
      sparsity: 0.5,
      params: 3_943_912,
      macs: 9.1e8,
      refit: { top1: 50.7, top1Low: 48.51, top1High: 52.89 },
      distilled: {
        top1: 54.2,
        top1Low: 52.01,
        top1High: 56.38,
        top1DeltaPp: { mean: -14, low: -15.9, high: -12.1 },
        kl: 0.6123,
      },
    },
    { sparsity: 0.7, refit: { top1: 33.2 } },
  ],
  allocated: [
    {
      sparsity: 0.5,
      widths: [384, 232],
      params: 3_900_000,
      macs: 9e8,
      top1: 55.1,
      top1Low: 52.9,
      top1High: 57.3,
      kl: 0.5512,
      versusUniformPp: { mean: 0.9, low: -0.1, high: 1.9 },
    },
  ],
  prediction: {
    compositions: 32,
    meanAbsoluteErrorPp: 1.234,
    maxAbsoluteErrorPp: 4.5,
    spearman: 0.987,
    imageNoisePp: 0.75,
  },
  test: { images: 10_000, teacher: { top1: 67.93 }, uniform: [{ sparsity: 0.5, refit: { top1: 50.11 } }] },
};

const rows: readonly PlanRow[] = [
  {
    job: 'data/prepare',
    state: 'fresh',
    why: 'up to date',
    estimate: { seconds: 9, memoryBytes: 9e9, diskBytes: 9e9 },
  },
  {
    job: 'refit/block-00',
    state: 'stale',
    why: 'refit.method: affine, was none',
    estimate: { seconds: 30, memoryBytes: 6e8, diskBytes: 1e6 },
  },
  {
    job: 'distill/block-00',
    state: 'resumable',
    why: 'interrupted, with a checkpoint to go on from',
    estimate: { seconds: 100, memoryBytes: 8.4e8, diskBytes: 2.5e6 },
  },
  {
    job: 'distill/block-01',
    state: 'missing',
    why: 'never finished',
    estimate: { seconds: 110, memoryBytes: 8e8, diskBytes: 2.5e6 },
  },
];
const facts = { run: 'demo', folder: 'runs/demo', engine: 'wasm', slots: 2 };

describe('cli: tables', () => {
  it('prints a library block by block and whole models beside the teacher', () => {
    const text = renderSummary(summary, plain);
    assertAscii(text);
    assertGolden('summary.txt', `${text}\n`);
  });

  it('prints a prediction whose image noise is not known, as one line', () => {
    const prediction = { ...present(summary.prediction) };
    delete prediction.imageNoisePp;
    const text = renderSummary({ ...summary, prediction }, plain);
    assert.match(text, /mean error of 1\.23 pp \(largest 4\.50, rank correlation 0\.99\)\n/);
    assert.doesNotMatch(text, /so few images/);
  });

  it('says of a prediction what two compositions can tell, with no question marks', () => {
    const prediction = { ...present(summary.prediction), compositions: 2, spearman: null };
    const text = renderSummary({ ...summary, prediction }, plain);
    assert.match(text, /loss of 2 random compositions .* mean error of 1\.23 pp \(largest 4\.50\);/);
    const none = { ...prediction, meanAbsoluteErrorPp: null, maxAbsoluteErrorPp: null };
    assert.doesNotMatch(renderSummary({ ...summary, prediction: none }, plain), /\?|null|\(\)/);
  });

  it('leaves out what a small library does not know', () => {
    const { engine, teacher } = summary;
    const bare: LibrarySummary = {
      engine,
      teacher: { top1: teacher.top1, images: 100 },
      blocks: [{ block: 'block-00', descendants: [descendant('block-00', 384, 1, [0, -1, 1])] }],
      uniform: [{ sparsity: 0.5, refit: { top1: 60 } }],
    };
    assertGolden('summary-bare.txt', `${renderSummary(bare, plain)}\n`);
  });

  it('warns above every table of images that the teacher may have been trained on', () => {
    const count = (flagged: LibrarySummary['mayBeTrainedOn']) =>
      renderSummary({ ...summary, mayBeTrainedOn: flagged ?? [] }, plain).split('flatters every number')
        .length - 1;
    const tables = renderSummary(summary, plain).match(/^-----/gm)?.length ?? 0;
    assert.equal(count(undefined), 0);
    assert.equal(count(['selection', 'test']), tables);
    assert.ok(count(['selection']) >= 2 && count(['test']) >= 1);
  });

  it('prints a plan with its costs', () => {
    const text = renderPlan(rows, facts, plain);
    assertAscii(text);
    assertGolden('plan.txt', `${text}\n`);
  });

  it('says in a plan what stays of what a user put into the library', () => {
    const last = present(rows.at(-1));
    const holds = [
      { path: 'library/README.md', setAside: 'it was put or changed here' },
      { path: 'library/models/small', files: 7 },
      { path: 'library/notes.txt' },
      ...['a', 'b', 'c', 'd'].map((name) => ({ path: `library/profiles/${name}.json` })),
    ];
    assert.match(
      renderPlan([...rows.slice(0, -1), { ...last, holds }], facts, plain),
      /\nlibrary\/README.md will be set aside: it was put .*\n.* leaves what was put there: library\/models\/small \(7 files\), library\/notes.txt, library\/profiles\/ \(4 files\); what does not fit .* set-aside\/$/,
    );
  });

  it('says in a plan which batches fit the machine, where those asked for do not', () => {
    const batch = { setting: 'distill.batchSize', images: 32, bytes: 4e9 };
    const large = rows.map((row) => ({ ...row, estimate: { ...row.estimate, memoryBytes: 129e9, batch } }));
    const of = (memoryBytes: number) => renderPlan(large, { ...facts, memoryBytes }, plain);
    assert.match(
      of(24e9),
      /This machine has 24\.0 GB of memory, too little for some jobs; batches that fit here: --set distill\.batchSize=4$/,
    );
    assert.doesNotMatch(of(130e9), /batches/);
    assert.doesNotMatch(of(4e9), /batches/, 'not one image fits');
  });

  it('says that nothing is to do', () => {
    const text = renderPlan(rows.slice(0, 1), { ...facts, slots: 1 }, plain);
    assert.match(text, /1 job at once\n/);
    assert.match(text, /\n1 job, fresh: nothing to do$/);
  });

  it('says of a chain that more jobs at once would not make it shorter', () => {
    const sideBySide: SideBySide = {
      stages: [],
      criticalPath: { jobs: [], seconds: 240, stages: [] },
      totalSeconds: 240,
      bySlots: [1, 2].map((slots) => ({ slots, seconds: 240, speedUp: 1 })),
    };
    assert.match(
      renderPlan(rows, { ...facts, sideBySide }, plain),
      /to do[^:]*: (about|at most) 4 min 00 s, /,
    );
  });

  it('bounds time by the slots and by the longest job', () => {
    assert.deepEqual(planTotals(rows.slice(1), 2), { seconds: 120, memoryBytes: 1.64e9, diskBytes: 6e6 });
    assert.equal(planTotals(rows.slice(1), 16).seconds, 110);
    assert.deepEqual(planTotals([], 2), { seconds: 0, memoryBytes: 0, diskBytes: 0 });
  });

  it('aligns columns and drops empty ones', () => {
    const columns = [{ title: 'a' }, { title: 'empty' }, { title: 'n', align: 'right' as const }];
    assert.deepEqual(
      renderTable(columns, [
        ['x', '', '1'],
        ['long', '', '234'],
      ]),
      ['a       n', '----  ---', 'x       1', 'long  234'],
    );
  });

  it('writes numbers in the units of the field', () => {
    assert.equal(formatDelta({ mean: -0.42, low: -1.1, high: 0.25 }), '-0.42 [-1.10, +0.25]');
    assert.equal(formatDelta({ mean: 0, low: -0.001, high: 0.004 }), '0.00 [0.00, 0.00]');
    assert.equal(formatAccuracy({ top1: 68.25, top1Low: 66.1, top1High: 70.2 }), '68.3 % [66.1, 70.2]');
    assert.equal(formatAccuracy({ top1: 68.254 }, 2), '68.25 %');
    assert.deepEqual([4999, 5000].map(accuracyDecimals), [1, 2]);
    assert.equal(signed(-0.04, 1), '0.0');
    assert.deepEqual([0, 3, 0.0123456, 51234.5, 1.5e-7, 2.5e9, -0.5].map(formatMetric), [
      '0',
      '3',
      '0.01235',
      '51230',
      '1.50e-7',
      '2.50e+9',
      '-0.5',
    ]);
  });

  it('colours on a terminal only, and not where NO_COLOR is set', () => {
    const stream = (isTTY: boolean) =>
      ({ isTTY, columns: 90, write: () => true }) as unknown as NodeJS.WriteStream;
    const isColoured = (isTTY: boolean, env: NodeJS.ProcessEnv) =>
      terminalOf(stream(isTTY), env).paint.red('x') !== 'x';
    assert.equal(isColoured(true, {}), true);
    assert.equal(isColoured(true, { NO_COLOR: '1' }), false);
    assert.equal(isColoured(true, { TERM: 'dumb' }), false);
    assert.equal(isColoured(false, {}), false);
    assert.equal(terminalOf(stream(true), { NO_COLOR: '1' }).isLive, true);
  });
});

describe('numbers that were measured again', () => {
  it('say above the table where the teacher may have been trained on the images', () => {
    const measured = {
      engine: 'wasm',
      recordedEngine: 'wasm',
      split: 'selection',
      images: 10,
      numbers: [],
      notes: [],
    } as const;
    assert.doesNotMatch(renderMeasured(measured, plain), /trained on/);
    assert.match(
      renderMeasured({ ...measured, mayBeTrainedOn: true }, plain),
      /^Measured again .*\nWarning: on images that the teacher may have been trained on/,
    );
  });
});
