import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutFolds } from '../../bench/quality/data.ts';
import { widthGrid, type ModelResult } from '../../bench/quality/run-recipe.ts';
import { readRun, writeRun, type StoredRun } from '../../bench/quality/store.ts';
import { buildTable, markdownTable } from '../../bench/quality/table.ts';
import { pairedDifferencePp, proportionPercent } from '../../pipeline/measure/interval.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { present } from '../support/present.ts';

function scores(correct: string, kl = 0.5): Scores {
  const bits = Uint8Array.from(correct, Number);
  return { correct: bits, agree: bits, kl: new Float32Array(bits.length).fill(kl) };
}

function model(recipe: string, correct: string, over: Partial<ModelResult> = {}): ModelResult {
  return {
    recipe,
    allocation: 'uniform',
    distillSteps: 0,
    sparsity: 0.5,
    widths: [8, 8],
    fitSeconds: 2,
    allocationSeconds: 0,
    distillSeconds: 0,
    scores: scores(correct),
    ...over,
  };
}

function run(recipe: string, seed: number, fold: number, ids: string, models: ModelResult[]): StoredRun {
  const teacher = scores('1'.repeat(ids.length), 0);
  return { seed, fold, recipe, ids: Array.from(ids), calibrationImages: 4, teacher, models };
}

describe('quality table', () => {
  it('pools the folds of a seed: counts, paired interval, means', () => {
    const runs = [
      run('blockforge', 1, 0, 'abcd', [model('blockforge', '1110')]),
      run('blockforge', 1, 1, 'efgh', [model('blockforge', '1100')]),
      run('vbp', 1, 0, 'abcd', [model('vbp', '1001', { fitSeconds: 4, widths: [4, 12] })]),
      run('vbp', 1, 1, 'efgh', [model('vbp', '0100', { scores: scores('0100', 1.5) })]),
    ];
    const { rows, teacher } = buildTable(runs, 32, 0.95);
    assert.deepEqual(
      rows.map(({ recipe }) => recipe),
      ['blockforge', 'vbp'],
    );
    const best = rows[0]!;
    const vbp = rows[1]!;
    assert.equal(best.differencePp, null);
    const top1 = proportionPercent(5, 8);
    assert.deepEqual(best.top1Percent, { mean: 62.5, low: top1.low, high: top1.high });
    // Image d is won; b, c and e are lost.
    const { mean, low, high } = pairedDifferencePp(1, 3, 8);
    assert.deepEqual(vbp.differencePp, { mean, low, high });
    assert.equal(vbp.images, 8);
    assert.equal(vbp.kl, 1);
    assert.equal(vbp.agreementPercent, 37.5);
    assert.equal(vbp.fitSeconds, 3);
    assert.equal(vbp.keptPercent, 50);
    assert.deepEqual(teacher.top1Percent.mean, 100);
    assert.equal(teacher.images, 8);
  });

  it('compares like with like: a distilled model with the reference after as many steps, at its own sparsity', () => {
    const distilled = { distillSteps: 50, distillSeconds: 9 };
    const table = buildTable(
      [
        run('blockforge', 1, 0, 'abcd', [
          model('blockforge', '1100'),
          model('blockforge', '1111', distilled),
          model('blockforge', '0111', { distillSteps: 200, distillSeconds: 34 }),
          model('blockforge', '1000', { sparsity: 0.7 }),
          model('blockforge', '1101', { allocation: 'measured' }),
        ]),
        run('legodnn', 1, 0, 'abcd', [
          model('legodnn', '0000'),
          model('legodnn', '1110', distilled),
          model('legodnn', '1111', { distillSteps: 200, distillSeconds: 30 }),
          model('legodnn', '1100', { sparsity: 0.7 }),
        ]),
      ],
      32,
      0.95,
    );
    const difference = (recipe: string, steps: number, sparsity: number, allocation = 'uniform') =>
      table.rows.find(
        (row) =>
          row.recipe === recipe &&
          row.distillSteps === steps &&
          row.sparsity === sparsity &&
          row.allocation === allocation,
      )?.differencePp?.mean;
    assert.equal(difference('legodnn', 0, 0.5), -50);
    assert.equal(difference('legodnn', 50, 0.5), -25);
    assert.equal(difference('legodnn', 200, 0.5), 25);
    assert.equal(difference('legodnn', 0, 0.7), 25);
    assert.equal(difference('blockforge', 0, 0.5, 'measured'), 25);
    assert.equal(difference('blockforge', 50, 0.5), undefined);
    // By steps, best first; the seconds of the training beside them.
    const lines = [...markdownTable(table).matchAll(/^\| (\w+) \| uniform \| (.*?) \|/gm)];
    assert.deepEqual(
      lines.map(([, recipe, stage]) => `${recipe}, ${stage}`),
      [
        'blockforge, one-shot',
        'legodnn, one-shot',
        'blockforge, distilled 50 steps (9.0 s)',
        'legodnn, distilled 50 steps (9.0 s)',
        'legodnn, distilled 200 steps (30 s)',
        'blockforge, distilled 200 steps (34 s)',
        'legodnn, one-shot',
        'blockforge, one-shot',
      ],
    );
  });

  it('counts an image once however many seeds measured it', () => {
    const runs = [1, 2].flatMap((seed) => [
      run('blockforge', seed, 0, 'abcd', [model('blockforge', '0000')]),
      run('vbp', seed, 0, 'abcd', [model('vbp', seed === 1 ? '1100' : '1000')]),
    ]);
    const vbp = buildTable(runs, 32, 0.95).rows[0]!;
    assert.equal(vbp.images, 4);
    assert.equal(vbp.seeds, 2);
    assert.equal(vbp.top1Percent.mean, 37.5);
    // Per image 1, 1/2, 0, 0: standard deviation 0.479, over the root of four images.
    const half = 1.959964 * 100 * Math.sqrt((0.625 ** 2 + 0.125 ** 2 + 2 * 0.375 ** 2) / 3 / 4);
    assert.ok(Math.abs(present(vbp.differencePp).mean - 37.5) < 1e-9);
    assert.ok(Math.abs(present(vbp.differencePp).high - (37.5 + half)) < 1e-3);
  });

  it('is a table without the reference too, and prints every row once', () => {
    const table = buildTable([run('vbp', 1, 0, 'ab', [model('vbp', '10')])], 32, 0.95);
    assert.equal(table.rows[0]!.differencePp, null);
    const text = markdownTable(table);
    assert.match(text, /50 % of the hidden units removed/);
    assert.match(text, /\| vbp \| uniform \| one-shot \| 50\.0 \| 50\.0 \[/);
    assert.equal(text.split('\n').filter((line) => line.startsWith('| vbp')).length, 1);
  });

  it('survives a half-done run: a recipe that has seen one fold is compared on the images both saw', () => {
    const runs = [
      run('blockforge', 1, 0, 'abcd', [model('blockforge', '1110')]),
      run('vbp', 1, 0, 'abcd', [model('vbp', '1111')]),
      run('vbp', 1, 1, 'efgh', [model('vbp', '0000')]),
    ];
    const vbp = present(buildTable(runs, 32, 0.95).rows.find(({ recipe }) => recipe === 'vbp'));
    assert.equal(present(vbp.differencePp).mean, 25);
    assert.equal(vbp.images, 8);
  });
});

describe('quality folds', () => {
  it('evaluates every image once, never one it was calibrated on', () => {
    const items = Array.from({ length: 11 }, (_, i) => i);
    for (const count of [2, 3, 11]) {
      const folds = cutFolds(items, count);
      assert.deepEqual(
        folds.flatMap(({ evaluation }) => evaluation),
        items,
      );
      for (const { calibration, evaluation } of folds) {
        assert.deepEqual(
          [...calibration, ...evaluation].sort((a, b) => a - b),
          items,
        );
      }
    }
    assert.throws(() => cutFolds(items, 12), RangeError);
  });
});

describe('quality grid of widths', () => {
  it('holds the uniform widths, the whole block, and narrower and wider ones, in multiples', () => {
    const steps = [0.5, 0.95].map((sparsity) => ({
      sparsity,
      width: Math.round((384 * (1 - sparsity)) / 8) * 8,
    }));
    const grid = widthGrid(384, { steps, widthMultiple: 8 });
    assert.equal(grid[0], 384);
    for (const { width } of steps) assert.ok(grid.includes(width));
    assert.ok(grid.some((width) => width < 16) && grid.every((width) => width % 8 === 0 && width > 0));
    assert.equal(new Set(grid).size, grid.length);
  });
});

describe('quality store', () => {
  it('gives back what was written, and undefined where nothing was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quality-store-'));
    try {
      const path = join(folder, 'run.safetensors');
      assert.equal(await readRun(path), undefined);
      const stored = run('vbp', 3, 1, 'abc', [model('vbp', '101'), model('vbp', '001', { sparsity: 0.7 })]);
      await writeRun(path, stored);
      assert.deepEqual(await readRun(path), stored);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
