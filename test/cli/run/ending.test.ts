import assert from 'node:assert/strict';
import { briefLibrary } from '../../../pipeline/cli/run/ending/brief-library.ts';
import { nextCommands } from '../../../pipeline/cli/run/ending/next-commands.ts';
import { renderEnding } from '../../../pipeline/cli/run/ending/render-ending.ts';
import type { LibrarySummary } from '../../../pipeline/cli/show/summary.ts';
import { renderOutcome } from '../../../pipeline/terminal/run-outcome.ts';
import { plain } from '../../../pipeline/terminal/terminal.ts';
import { trackRun } from '../../../pipeline/terminal/track-run.ts';
import { displayWidth } from '../../../pipeline/terminal/width.ts';
import { story } from '../../terminal/events.ts';
import { assertAscii, assertGolden } from '../golden.ts';

const model = (loss: number, half = 1.25) => ({
  top1: 70 - loss,
  top1DeltaPp: { mean: -loss, low: -loss - half, high: -loss + half + 0.1 },
});

/** So many shares of hidden units removed. */
function library(widths: number): LibrarySummary {
  const sparsities = Array.from({ length: widths }, (_, i) => (i + 1) / (widths + 1));
  return {
    engine: 'TensorFlow 2.21.0 on cpu',
    images: 1000,
    teacher: { top1: 70, top1Low: 67.1, top1High: 72.8, images: 1000, params: 692_000 },
    blocks: [],
    recommended,
    uniform: sparsities.map((sparsity) => ({
      sparsity,
      params: 692_000 - 400_000 * sparsity,
      pruned: model(40 * sparsity),
      refit: model(10 * sparsity),
      distilled: model(4 * sparsity),
    })),
    allocated: sparsities.map((sparsity) => ({
      ...model(2 * sparsity),
      sparsity,
      widths: [384, 80],
      params: 692_000 - 410_000 * sparsity,
      versusUniformPp: { mean: 0.4, low: 0.1, high: 0.7 },
    })),
  };
}

const recommended = {
  kind: 'allocated',
  sparsity: 0.8,
  params: 364_000,
  top1DeltaPp: { mean: -1.6, low: -2, high: -1.2 },
  withinTolerance: true,
} as const;

const places = {
  run: 'runs/demo',
  report: 'runs/demo/report.html',
  library: 'runs/demo/library',
  deployments: [],
};
const commands = ['run', 'compose', 'demo', 'show', 'deploy'];

function ending(widths: number, columns: number): string {
  const { state, handle } = trackRun();
  for (const [, event] of story)
    if (event.type !== 'job-failed' && event.type !== 'job-blocked') handle(event);
  const brief = { command: 'npm run pipeline -- status runs/demo', columns };
  const outcome = renderOutcome(state, plain, undefined, brief);
  const result = {
    places,
    brief: (width: number, rows: number) => briefLibrary(library(widths), width, rows),
  };
  return renderEnding({ result, outcome, commands, columns });
}

describe('the end of a run', () => {
  for (const widths of [1, 4, 9]) {
    it(`fits a screen of 80 x 24 with ${widths} widths, and ends with what is typed next`, () => {
      const lines = ending(widths, 80).split('\n');
      assert.ok(lines.length <= 23, `${lines.length} lines`);
      assert.deepEqual(
        lines.filter((line) => displayWidth(line) > 80),
        [],
      );
      assert.equal(lines.at(-1), '         npm run pipeline -- show runs/demo');
      assertAscii(lines.join('\n'));
    });
  }

  it('is drawn for wide and narrow screens, intervals beside every number', () => {
    for (const columns of [60, 80, 110]) assertGolden(`ending-${columns}.txt`, `${ending(4, columns)}\n`);
  });

  it('says which model is recommended, by what, and whether it is good enough', () => {
    const told = (withinTolerance: boolean) =>
      briefLibrary({ ...library(4), recommended: { ...recommended, withinTolerance } }, 200, 20).at(-1);
    assert.equal(
      told(true),
      'Recommended: 80 % removed, allocated, 53 % of the parameters: -1.6 [-2.0, -1.2] pp on selection images (the leanest that surely loses less than 2 pp).',
    );
    assert.match(told(false) ?? '', /\(the best trade; none surely loses less than 2 pp\)/);
  });

  it('says that the head was fitted here, to what, in as many lines as before', () => {
    const fittedHead = {
      images: 1500,
      heldOut: { images: 300, top1Percent: { mean: 62.333, low: 56.72, high: 67.63 } },
      ridge: 0.00031622,
      temperature: 0.1249,
    };
    const own = library(9);
    const of = { ...own, teacher: { ...own.teacher, fittedHead } };
    const lines = briefLibrary(of, 80, 12);
    assert.equal(lines.length, briefLibrary(own, 80, 12).length);
    assert.ok(
      lines
        .join(' ')
        .includes(
          "The teacher's head was fitted to the labels of 1,500 calibration images; fitted without 300 of them, top-1 62.3 % [56.7, 67.6] on those (ridge 0.000316, temperature 0.125).",
        ),
    );
  });

  it('names commands that exist, with paths that a shell takes', () => {
    const strange = { ...places, run: "my runs/it's" };
    const features = { ...strange, isClassifier: false };
    assert.equal(nextCommands(strange, ['demo']).length, 1);
    assert.deepEqual(nextCommands(features, ['demo']), [], 'no page shows features');
    assert.deepEqual(nextCommands(strange, ['show', 'compose']), [
      "npm run pipeline -- compose 'my runs/it'\\''s' --max-drop 1pp",
      "npm run pipeline -- show 'my runs/it'\\''s'",
    ]);
    const fleets = { run: 'runs/x', deployments: ['runs/x/deployment-two'] };
    assert.deepEqual(nextCommands(fleets, commands), [
      'npm run pipeline -- deploy runs/x/deployment-two --local',
      'npm run pipeline -- show runs/x',
    ]);
  });

  it('is what went wrong where there is no result', () => {
    assert.equal(renderEnding({ result: undefined, outcome: '1 failed', commands, columns: 80 }), '1 failed');
  });
});
