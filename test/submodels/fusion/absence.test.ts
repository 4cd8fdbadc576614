import assert from 'node:assert/strict';
import { matrix, type Matrix } from '../../../pipeline/tensor/float64/matrix.ts';
import { addProduct } from '../../../pipeline/tensor/float64/product.ts';
import { absenceMap } from '../../../pipeline/submodels/fusion/absence-map.ts';
import { featureMoments } from '../../../pipeline/submodels/fusion/feature-moments.ts';
import { fuseAll } from '../../../pipeline/submodels/fusion/fuse-all.ts';
import { fuse } from '../../../pipeline/submodels/fusion/fuse.ts';
import type { FusionHead } from '../../../pipeline/submodels/fusion/fusion-head.ts';
import { impute, imputationOf } from '../../../pipeline/submodels/fusion/imputation.ts';
import { precisionOf, ridgeFit } from '../../../pipeline/submodels/fusion/ridge-fit.ts';
import { standardisationOf, standardisedRows } from '../../../pipeline/submodels/fusion/standardised.ts';
import { oneHot } from '../../../pipeline/submodels/fusion/targets.ts';
import { fleetFeatures } from './fleet-features.ts';

const widths = [6, 40, 5, 9];
const classes = 5;
const images = 400;
const data = fleetFeatures(widths, classes, images);
const ridge = 0.02;
const never = new AbortController().signal;

async function momentsOf(which: readonly number[]) {
  const features = which.map((submodel) => data.features[submodel]!);
  const own = which.map((submodel) => widths[submodel]!);
  const standardisation = standardisationOf(features, own, images);
  const targets = matrix(images, classes, oneHot(data.labels, classes));
  const moments = await featureMoments({ features, images }, standardisation, own, targets, never);
  return { features, own, standardisation, moments };
}

/** The ridge head fitted with these sub-models alone. */
async function headOf(which: readonly number[]): Promise<FusionHead> {
  const { own, standardisation, moments } = await momentsOf(which);
  const kernel = ridgeFit(moments, ridge);
  return {
    kind: 'ridge',
    classes,
    widths: own,
    ...standardisation,
    precision: precisionOf(moments, ridge),
    activation: 'relu',
    layers: [
      {
        inputs: kernel.rows,
        outputs: classes,
        kernel: Float32Array.from(kernel.data),
        bias: Float32Array.from(moments.targetMean),
      },
    ],
  };
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from({ length: a.length }, (_, i) => Math.abs(a[i]! - b[i]!)).reduce(
    (x, y) => Math.max(x, y),
    0,
  );
}

describe('submodels/fusion: absence', () => {
  it('solves the normal equations of the ridge', async () => {
    const { moments } = await momentsOf([0, 1, 2, 3]);
    const kernel = ridgeFit(moments, ridge);
    const residual = matrix(kernel.rows, classes, moments.cross.data.slice());
    addProduct(residual, -1, moments.covariance, kernel);
    for (let i = 0; i < residual.data.length; i++) residual.data[i]! -= ridge * kernel.data[i]!;
    assert.ok(furthest(residual.data, new Float64Array(residual.data.length)) < 1e-11);
  });

  it('answers without sub-models what the ridge head fitted without them would', async () => {
    const whole = await headOf([0, 1, 2, 3]);
    for (const present of [[0, 1, 2], [1, 2, 3], [0, 3], [2]]) {
      const features = data.features.map((own, submodel) => (present.includes(submodel) ? own : undefined));
      const imputed = fuseAll(whole, features, images);
      const without = await headOf(present);
      const fitted = fuseAll(
        without,
        present.map((submodel) => data.features[submodel]!),
        images,
      );
      // Both heads are rounded to float32, with precisions up to 1 / ridge.
      assert.ok(furthest(imputed, fitted) < 2e-4, `${present.join()}: ${furthest(imputed, fitted)}`);
    }
  });

  it('answers one image as it answers many, whoever is absent, and not at all where nobody is there', async () => {
    const head = await headOf([0, 1, 2, 3]);
    for (const absent of [[], [1], [0, 2], [0, 1, 3]]) {
      const features = data.features.map((own, submodel) => (absent.includes(submodel) ? undefined : own));
      const all = fuseAll(head, features, images);
      for (const image of [0, 7, 399]) {
        const own = features.map((rows, submodel) => {
          const width = widths[submodel]!;
          return rows?.subarray(image * width, (image + 1) * width);
        });
        const one = fuse(head, own);
        assert.ok(furthest(one, all.subarray(image * classes, (image + 1) * classes)) < 1e-6);
      }
    }
    assert.throws(
      () => fuse(head, [undefined, undefined, undefined, undefined]),
      /no sub-model has answered/,
    );
    assert.throws(() => fuse(head, [undefined]), /features of 1 sub-models for a head over 4/);
    assert.throws(() => fuse(head, data.features), /sub-model 0: 2400 features, 6 expected/);
  });

  it('has a map that imputes every sub-model from all others at once', async () => {
    const head = await headOf([0, 1, 2, 3]);
    const full = standardisedRows(head, data.features, widths, [0, images]);
    const width = full.columns;
    const mapped = matrix(images, width);
    const map: Matrix = matrix(width, width, Float64Array.from(absenceMap(head.precision, widths)));
    addProduct(mapped, 1, full, map);
    let start = 0;
    for (const [submodel, own] of widths.entries()) {
      const present = data.features.map((rows, other) => (other === submodel ? undefined : rows));
      const rows = standardisedRows(head, present, widths, [0, images]);
      impute(head.precision, imputationOf(head, [submodel]), rows);
      for (let image = 0; image < images; image++) {
        const part = (from: Matrix) => from.data.subarray(image * width + start, image * width + start + own);
        assert.ok(furthest(part(mapped), part(rows)) < 1e-4);
      }
      start += own;
    }
  });
});
