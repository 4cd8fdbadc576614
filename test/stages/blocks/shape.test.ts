import assert from 'node:assert/strict';
import {
  blockWidths,
  descents,
  keepsTrainingTokens,
  measuredContexts,
  polishedModels,
  removedPercent,
  shardsOf,
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
  const of = (sparsities: number[], hidden: number, widthMultiple = 8) =>
    descents(configOf({ descendants: { sparsities, widthMultiple } }), hidden);

  it('are rounded to a multiple, widest first, and keep what the config asked for beside it', () => {
    assert.deepEqual(of([0.4, 0.5, 0.95], 384), [
      { sparsity: 0.4, width: 232 },
      { sparsity: 0.5, width: 192 },
      { sparsity: 0.95, width: 16 },
    ]);
    assert.deepEqual(blockWidths(of([0.4, 0.5], 384), 384), [384, 232, 192]);
  });

  it('keep a multiple of units at least', () => {
    assert.deepEqual(of([0.999], 384), [{ sparsity: 0.999, width: 8 }]);
  });

  it('are refused where two are one, or one is the whole block', () => {
    assert.throws(() => of([0.5, 0.51], 64), refusal(/sparsity 0\.51 .* the same as its neighbour/));
    assert.throws(() => of([0.01], 64), refusal(/sparsity 0\.01 .* the same as the whole block/));
  });
});

describe('contexts', () => {
  it('are the teacher, the middle width and the narrowest', () => {
    const config = configOf({ descendants: { sparsities: [0.25, 0.5, 0.75] } });
    assert.deepEqual(measuredContexts(config, 64), [
      { name: 'teacher', width: 64 },
      { name: 'middle', width: 48 },
      { name: 'sparsest', width: 16 },
    ]);
  });
});

describe('shards', () => {
  const of = (calibration: number, selection: number, more: object = {}) =>
    shardsOf(configOf({ data: { source: 'shapes', splits: { calibration, selection } }, ...more }));

  it('are one per 2,048 images, each kind of images for itself', () => {
    assert.deepEqual(of(2048, 1), { statistics: 1, measure: 1 });
    assert.deepEqual(of(10_000, 2049), { statistics: 5, measure: 2 });
  });

  it('are as many as the config says', () => {
    assert.deepEqual(of(100, 100, { statistics: { shards: 4 }, measure: { shards: 2 } }), {
      statistics: 4,
      measure: 2,
    });
  });
});

describe('the length of distillation', () => {
  it('is told in steps, in epochs of so many tokens, or in seconds of a block', () => {
    const of = (duration: Parameters<typeof distillLength>[0]['duration'], batchTokens = 100) =>
      distillLength({ duration, batchTokens }, 12, 1000);
    assert.equal(of({ steps: 7 }), 7);
    assert.equal(of({ epochs: 3 }), 30);
    assert.equal(of({ epochs: 3 }, 5000), 3, 'a batch is never more than all there is');
    assert.equal(of({ epochs: 0.001 }), 1, 'one step at least');
    assert.deepEqual(of({ minutes: 4 }), { seconds: 20 });
  });
});

describe('polished models', () => {
  it('are of the library, and are refused where they are not', () => {
    const config = (sparsities: number[]) =>
      configOf({ descendants: { sparsities: [0.25, 0.5] }, polish: { sparsities } });
    assert.deepEqual(polishedModels(config([0.5]), 64), [{ sparsity: 0.5, width: 32 }]);
    assert.throws(
      () => polishedModels(config([0.6]), 64),
      refusal(/polish\.sparsities: 0\.6.*one of descendants\.sparsities: 0\.25, 0\.5/s),
    );
  });

  it('are named by percent without the noise of binary fractions', () => {
    assert.deepEqual([0.5, 0.625, 0.7, 0.07].map(removedPercent), [50, 62.5, 70, 7]);
  });
});

describe('the inputs of training images', () => {
  it('are kept where blocks train on them, and streamed anew where inputs are composed', () => {
    assert.equal(keepsTrainingTokens(configOf({ inputs: { from: 'teacher' } })), true);
    assert.equal(keepsTrainingTokens(configOf({ inputs: { from: 'composed' } })), false);
    assert.equal(keepsTrainingTokens(configOf({})), false);
  });
});
