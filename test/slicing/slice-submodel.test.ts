import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { sliceCriterionNames } from '../../pipeline/slicing/criterion-names.ts';
import { defaultSlicing, type SliceSettings } from '../../pipeline/slicing/schema.ts';
import { sliceSubmodel, type SliceResult, type SliceTask } from '../../pipeline/slicing/slice-submodel.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import type { Json } from '../../pipeline/util/hash.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { batchesFor } from './models.ts';

const architecture: Architecture = { ...tinyArchitecture, width: 16, heads: 2, hidden: 24 };
const costs = modelCosts(architecture);
const settings: SliceSettings = {
  ...defaultSlicing,
  images: 24,
  gradientImages: 8,
  widthMultiple: 4,
  search: { shapes: 2, images: 8 },
  kl: { groups: 2, images: 4 },
};

const uniform = { shapes: 1, images: 8 };

const taskOf = (more: Partial<SliceTask> = {}): SliceTask => ({
  teacher: { weights: strongWeights(architecture), architecture },
  classes: [3, 1],
  other: true,
  fit: batchesFor(architecture, [12, 20]),
  judge: batchesFor(architecture, [5, 3], 77),
  limits: { macs: 0.5 * costs.macs, sizeBytes: 0.6 * costs.sizeBytes },
  settings,
  seed: 1,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...more,
});

function reportOf({ report }: SliceResult): Record<string, Json> & { kl: number; measured: Json[] } {
  return report as Record<string, Json> & { kl: number; measured: Json[] };
}

/** Stops at the progress of that number. */
function stoppedAt(call: number, more: Partial<SliceTask> = {}): SliceTask {
  const stop = new AbortController();
  let calls = 0;
  const onProgress = (): void => {
    if (calls++ === call) stop.abort(new Error('stopped'));
  };
  return taskOf({ ...more, signal: stop.signal, onProgress });
}

describeOnEachEngine('slicing/slice-submodel', () => {
  for (const criterion of sliceCriterionNames) {
    it(`cuts by ${criterion} a model within the limits that says the classes and other`, async () => {
      const progress: number[] = [];
      const result = await sliceSubmodel(
        taskOf({
          settings: { ...settings, criterion },
          onProgress: ({ fraction }) => progress.push(fraction),
        }),
      );
      const { model } = result;
      const { macs, sizeBytes } = modelCosts(model.architecture);
      assert.ok(macs <= 0.5 * costs.macs && sizeBytes <= 0.6 * costs.sizeBytes);
      assert.equal(model.architecture.classes, 3);
      const shapes = Object.fromEntries(
        Object.entries(model.weights).map(([name, { shape }]) => [name, shape]),
      );
      assert.deepEqual(shapes, canonicalShapes(model.architecture));
      assert.ok(Object.values(model.weights).every(({ data }) => data.every(Number.isFinite)));
      const report = reportOf(result);
      assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
      assert.deepEqual(Object.keys(report), ['criterion', 'shape', 'uniform', 'kl', 'measured']);
      assert.equal(report['criterion'], criterion);
      assert.ok(report.measured.length >= 1 && report.measured.length <= 2 && report.kl > 0);
      assert.deepEqual(
        progress,
        [...progress].sort((a, b) => a - b),
      );
      assert.ok(progress.every((fraction) => fraction >= 0 && fraction <= 1));
    });
  }

  it('comes to the same bits by the same seed', async () => {
    const task = { settings: { ...settings, criterion: 'fisher', search: uniform } } as const;
    assert.deepEqual(await sliceSubmodel(taskOf(task)), await sliceSubmodel(taskOf(task)));
  });

  it('knows all classes without other; with one shape it is uniform scaling, of which none is measured', async () => {
    const result = await sliceSubmodel(
      taskOf({
        classes: [0, 1, 2, 3, 4],
        other: false,
        settings: { ...settings, search: uniform },
      }),
    );
    assert.equal(result.model.architecture.classes, 5);
    const { shape, uniform: published, measured } = reportOf(result);
    assert.deepEqual(shape, published);
    assert.deepEqual(measured, []);
  });

  it('tells one class from the others, and is judged by that', async () => {
    const task = taskOf({ classes: [2], settings: { ...settings, search: uniform } });
    const result = await sliceSubmodel(task);
    assert.equal(result.model.architecture.classes, 2);
    assert.ok(reportOf(result).kl > 1e-6);
  });

  it('loses nothing to speak of where the limits leave everything', async () => {
    const result = await sliceSubmodel(
      taskOf({
        limits: { macs: 2 * costs.macs, sizeBytes: 2 * costs.sizeBytes },
        settings: { ...settings, ridge: 1e-8, search: uniform },
      }),
    );
    assert.ok(reportOf(result).kl < 1e-4, `a divergence of ${reportOf(result).kl}`);
    assert.equal(result.model.architecture.width, 16);
  });

  it('leaves nothing behind wherever it is stopped', async () => {
    // Gradients, statistics, a shape, the refit of the last one.
    for (const call of [0, 1, 3, 5]) {
      await assert.rejects(sliceSubmodel(stoppedAt(call)), /stopped/, `at call ${call}`);
    }
    for (const criterion of ['kl', 'fisher'] as const) {
      await assert.rejects(sliceSubmodel(stoppedAt(1, { settings: { ...settings, criterion } })), /stopped/);
    }
    const unfitted: Partial<SliceTask> = { settings: { ...settings, criterion: 'magnitude', refit: [] } };
    await assert.rejects(sliceSubmodel(stoppedAt(2, unfitted)), /stopped/);
  });

  it('leaves nothing behind where a batch fails, at the first walk or a later one', async () => {
    for (const failingWalk of [0, 2]) {
      let walks = 0;
      const fit = async function* (): AsyncGenerator<tf.Tensor4D> {
        const isFailing = walks++ === failingWalk;
        yield* batchesFor(architecture, [4])();
        if (isFailing) throw new Error('unreadable');
      };
      await assert.rejects(sliceSubmodel(taskOf({ fit })), /unreadable/, `walk ${failingWalk}`);
    }
  });

  it('refuses a divergence that is no number and says what to do', async () => {
    const judge = async function* (): AsyncGenerator<tf.Tensor4D> {
      await Promise.resolve();
      yield tf.fill<tf.Rank.R4>([2, 8, 8, 3], NaN);
    };
    const task = taskOf({ judge, settings: { ...settings, search: uniform } });
    await assert.rejects(sliceSubmodel(task), (error: unknown) => {
      assert.ok(error instanceof BlockForgeError);
      assert.equal(error.failure.reason, 'not-finite');
      assert.match(error.message, /sub-model of 2 classes.*ridge/s);
      return true;
    });
  });

  it('refuses limits that nothing fits into before it looks at any image', async () => {
    const fit = (): AsyncGenerator<tf.Tensor4D> => assert.fail('an image is asked for');
    await assert.rejects(
      sliceSubmodel(taskOf({ fit, limits: { macs: 100, sizeBytes: 1e9 } })),
      /raise submodel\.macs/,
    );
  });
});
