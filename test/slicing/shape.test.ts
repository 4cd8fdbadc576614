import assert from 'node:assert/strict';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { architectureOf, cutOf, isWithin } from '../../pipeline/slicing/shape.ts';
import { tinyArchitecture } from '../support/checkpoints.ts';
import { foldedModel, roomy } from './models.ts';

const shape = { width: 7, keySize: 2, valueSize: 3, hidden: 5 };

describe('slicing/shape', () => {
  it('knows the architecture of a cut before it is made, also of a ViT that is not folded yet', () => {
    const model = foldedModel();
    const { architecture } = cutModel(model, cutOf(model.architecture, shape, [4, 0]));
    assert.deepEqual(architectureOf(model.architecture, shape, 2), { ...architecture, heads: 3 });
    assert.deepEqual(architectureOf(roomy, shape, 2).layers, architecture.layers);
    assert.equal(architectureOf(roomy, shape, 2).normWidth, 12);
  });

  it('keeps all classes where none are named', () => {
    const model = foldedModel();
    assert.equal(cutModel(model, cutOf(model.architecture, shape)).architecture.classes, 5);
    assert.equal(architectureOf(model.architecture, shape).classes, 5);
  });

  it('is within limits that it meets exactly, and not where either is one less', () => {
    const { macs, sizeBytes } = modelCosts(architectureOf(tinyArchitecture, shape, 3));
    const within = (limits: { macs: number; sizeBytes: number }) =>
      isWithin(tinyArchitecture, shape, 3, limits);
    assert.equal(within({ macs, sizeBytes }), true);
    assert.equal(within({ macs: macs - 1, sizeBytes }), false);
    assert.equal(within({ macs, sizeBytes: sizeBytes - 1 }), false);
  });
});
