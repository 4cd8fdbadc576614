import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { SplitItem } from '../../../datasets/contract.ts';
import type { QualityData } from '../../../bench/quality/data.ts';
import { openEvidence } from '../../../bench/quality/evidence.ts';
import { recipesOf } from '../../../bench/quality/recipes.ts';
import { loadConfig } from '../../../pipeline/config/load.ts';
import { blocks } from '../../../pipeline/stages/methods.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { calibrationImages, calibrationOf, chainImages } from '../../../pipeline/recipe/calibration.ts';
import { strongWeights, tinyArchitecture } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

describeOnEachEngine('the evidence of a fold', () => {
  it('is of the images that a run’s stages take: held out, shuffled and streamed as they do', async () => {
    const overrides = ['inputs.images=12', 'statistics.batchSize=8', 'statistics.heldOut=0.2'];
    const { config } = loadConfig('demo.yaml', [blocks], { overrides });
    const items = Array.from(
      { length: 30 },
      (_, image) => ({ id: `image-${image}` }) as unknown as SplitItem,
    );
    const passes: string[][] = [];
    const images = {
      // eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
      tensorBatches: async function* (some: readonly SplitItem[], size: number) {
        passes.push(some.map(({ id }) => id));
        for (let first = 0; first < some.length; first += size) {
          const ids = some.slice(first, first + size).map(({ id }) => id);
          yield { ids, pixels: tf.ones([ids.length, 8, 8, 3]), labels: new Int32Array(ids.length) };
        }
      },
    };
    const teacher = strongWeights(tinyArchitecture);
    const model = uploadTeacher(teacher, tinyArchitecture);
    try {
      const data = { loaded: { config }, architecture: tinyArchitecture, teacher, images, folds: [] };
      const { recipe } = recipesOf(config).blockforge;
      const needs = { recipes: [recipe] };
      const evidence = await openEvidence(
        data as unknown as QualityData,
        model,
        items,
        needs,
        () => undefined,
      );
      assert.equal(recipe.inputs.from, 'composed');
      const plan = {
        composed: recipe.inputs,
        options: { ridge: 1e-4, method: 'affine' as const },
        orderOf: () => Int32Array.from({ length: tinyArchitecture.hidden }, (_, unit) => unit),
        widths: evidence.teacher.map(() => [4]),
      };
      const fitted: number[] = [];
      for await (const { block } of evidence.fit(plan)) fitted.push(block);
      assert.deepEqual(fitted, [0, 1]);

      const calibration = calibrationOf(config);
      const { training, heldOut } = calibrationImages(calibration, items);
      assert.equal(heldOut.length, 6);
      const counts = chainImages(
        { images: 12, heldOut: calibration.heldOut },
        { training: training.length, heldOut: heldOut.length },
      );
      const expected = [
        training,
        training,
        heldOut,
        training.slice(0, counts.training),
        heldOut.slice(0, counts.heldOut),
      ];
      assert.deepEqual(
        passes,
        expected.map((some) => some.map(({ id }) => id)),
      );
    } finally {
      model.dispose();
    }
  });
});
