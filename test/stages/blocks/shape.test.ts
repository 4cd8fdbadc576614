import assert from 'node:assert/strict';
import {
  descents,
  distilledImages,
  levelsOf,
  measuredContexts,
  polishedModels,
  removedPercent,
  shardOf,
  shardsOf,
  stepsOfShard,
  streamedImages,
} from '../../../pipeline/stages/blocks/shape.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { distillLength } from '../../../pipeline/recipe/distill-length.ts';
import { planInput } from './plan-input.ts';

const configOf = (settings: object) => planInput(settings, vitBase).loaded.config;
const refusal = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BlockForgeError, String(error));
  assert.equal(error.failure.reason, 'config-invalid');
  assert.match(error.message, reason);
  return true;
};

describe('descents', () => {
  const of = (sparsities: number[], hidden: number | number[], widthMultiple = 8) =>
    descents(configOf({ descendants: { sparsities, widthMultiple } }), [hidden].flat());

  it('are rounded to a multiple, widest first, and keep what the config asked for beside it', () => {
    assert.deepEqual(of([0.4, 0.5, 0.95], 384), [
      { sparsity: 0.4, width: 232 },
      { sparsity: 0.5, width: 192 },
      { sparsity: 0.95, width: 16 },
    ]);
    assert.deepEqual(
      levelsOf(of([0.4, 0.5], 384), [384]).map(({ width }) => width),
      [384, 232, 192],
    );
  });

  it('keep a multiple of units at least', () => {
    assert.deepEqual(of([0.999], 384), [{ sparsity: 0.999, width: 8 }]);
  });

  it('have a width of every block where blocks differ', () => {
    assert.deepEqual(of([0.4, 0.5], [64, 384]), [
      { sparsity: 0.4, width: 232, widths: [40, 232] },
      { sparsity: 0.5, width: 192, widths: [32, 192] },
    ]);
    assert.throws(() => of([0.4, 0.42], [384, 64]), refusal(/sparsity 0\.42 of 64 .* its neighbour/));
  });

  it('are refused where two are one, or one is the whole block', () => {
    assert.throws(() => of([0.5, 0.51], 64), refusal(/sparsity 0\.51 .* the same as its neighbour/));
    assert.throws(() => of([0.01], 64), refusal(/sparsity 0\.01 .* the same as the whole block/));
  });
});

describe('contexts', () => {
  it('are the teacher, the middle width and the narrowest', () => {
    const config = configOf({ descendants: { sparsities: [0.25, 0.5, 0.75] } });
    assert.deepEqual(measuredContexts(config, [64]), [
      { name: 'teacher', width: 64 },
      { name: 'middle', width: 48 },
      { name: 'sparsest', width: 16 },
    ]);
  });
});

describe('shards', () => {
  const of = (calibration: number, selection: number, more: object = {}) =>
    shardsOf(configOf({ data: { source: 'shapes', splits: { calibration, selection } }, ...more }), vitBase);

  it('are one per 2,048 images, each kind of images for itself', () => {
    assert.deepEqual(of(2048, 1), { statistics: 1, measure: 1, descendants: 1 });
    assert.deepEqual(of(10_000, 2049), { statistics: 5, measure: 2, descendants: 1 });
  });

  it('are as many as the config says, and never more jobs than widths', () => {
    const shards = { statistics: { shards: 4 }, measure: { shards: 2 }, descendants: { shards: 3 } };
    assert.deepEqual(of(100, 100, shards), { statistics: 4, measure: 2, descendants: 3 });
    assert.equal(of(100, 100, { descendants: { shards: 9 } }).descendants, 4);
  });

  it('of widths are as many as keep the streams of one on disk, or one per width', () => {
    const jobs = (diskGB: number, more: object = {}) =>
      of(10_000, 1, { inputs: { diskGB, ...more } }).descendants;
    // 10,000 x 197 x 768 x 16 bits, and scales, are 3.03 GB: for the teacher and each width.
    assert.deepEqual(
      [15.2, 15.1, 9.2, 9, 6.1, 6, 0.1].map((gigabytes) => jobs(gigabytes)),
      [1, 2, 2, 4, 4, 4, 4],
    );
    assert.equal(jobs(0.1, { from: 'teacher' }), 1, 'nothing is streamed');
  });

  it('cut the widths into neighbours, and a width is found in its own', () => {
    const steps = [0.2, 0.4, 0.6, 0.8, 0.9].map((sparsity) => ({ sparsity, width: 100 * (1 - sparsity) }));
    assert.deepEqual(
      [0, 1, 2].map((shard) => stepsOfShard(steps, shard, 3).map(({ sparsity }) => sparsity)),
      [[0.2], [0.4, 0.6], [0.8, 0.9]],
    );
    assert.equal(shardOf(steps, steps[2]!.width, 3), 1);
    assert.throws(() => shardOf(steps, 7, 3), /no job makes blocks of 7/);
  });
});

describe('the length of distillation', () => {
  it('is told in steps, in epochs of so many images, or in seconds', () => {
    const of = (duration: Parameters<typeof distillLength>[0]['duration'], batchSize = 100) =>
      distillLength({ duration, batchSize }, 1000);
    assert.equal(of({ steps: 7 }), 7);
    assert.equal(of({ epochs: 3 }), 30);
    assert.equal(of({ epochs: 3 }, 5000), 3, 'a batch is never more than all there is');
    assert.equal(of({ epochs: 0.001 }), 1, 'one step at least');
    assert.deepEqual(of({ minutes: 4 }), { seconds: 240 });
  });
});

describe('polished models', () => {
  it('are of the library, and are refused where they are not', () => {
    const config = (sparsities: number[]) =>
      configOf({ descendants: { sparsities: [0.25, 0.5] }, polish: { sparsities } });
    assert.deepEqual(polishedModels(config([0.5]), [64]), [{ sparsity: 0.5, width: 32 }]);
    assert.throws(
      () => polishedModels(config([0.6]), [64]),
      refusal(/polish\.sparsities: 0\.6.*one of descendants\.sparsities: 0\.25, 0\.5/s),
    );
  });

  it('are named by percent without the noise of binary fractions', () => {
    assert.deepEqual([0.5, 0.625, 0.7, 0.07].map(removedPercent), [50, 62.5, 70, 7]);
  });
});

describe('the images that a recipe uses', () => {
  const of = (more: object) =>
    configOf({ data: { source: 'shapes', splits: { calibration: 100, selection: 10 } }, ...more });

  it('are all of the calibration split, or as many as inputs.images says', () => {
    assert.equal(streamedImages(of({})), 100);
    assert.equal(streamedImages(of({ inputs: { images: 40 } })), 40);
    assert.deepEqual(distilledImages(of({})), { training: 90, heldOut: 10 });
    assert.deepEqual(distilledImages(of({ inputs: { images: 40 } })), { training: 36, heldOut: 4 });
  });

  it('leave no stream where the refit looks at the teacher alone', () => {
    assert.equal(streamedImages(of({ inputs: { from: 'teacher' } })), 0);
    assert.equal(streamedImages(of({ refit: { method: 'none' } })), 0);
  });
});
