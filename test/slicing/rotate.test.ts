import assert from 'node:assert/strict';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { rotateStream } from '../../pipeline/slicing/rotate.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { orthonormal } from './bases.ts';
import { assertNear, foldedModel, logitsOf, roomy } from './models.ts';

describeOnEachEngine('slicing/rotate', () => {
  for (const pool of [undefined, 'normed-mean'] as const) {
    it(`leaves the logits within 5e-5, whatever the basis (${pool ?? 'class token'})`, () => {
      const model = foldedModel({ ...roomy, pool });
      const gains = Float32Array.from({ length: 12 }, (_, i) => 0.5 + i / 10);
      const weights: HostWeights = {
        ...model.weights,
        'blocks.1.norm1.weight': { shape: [12], data: gains },
      };
      const turned = rotateStream({ ...model, weights }, orthonormal(12, 12));
      assert.notDeepEqual(turned.weights['cls_token']!.data, weights['cls_token']!.data);
      // Rounding the weights otherwise, by half an ulp each, changes these logits by 1e-5.
      assertNear(logitsOf(turned.architecture, turned.weights), logitsOf(model.architecture, weights), 5e-5);
    });
  }

  it('by part of a basis cuts the rest off, as cutting afterwards does', () => {
    const model = foldedModel();
    const basis = orthonormal(12, 12);
    const part = rotateStream(model, basis.slice(0, 7 * 12));
    const cut = cutModel(rotateStream(model, basis), { channels: 7 });
    assert.deepEqual(part.architecture, cut.architecture);
    assertNear(logitsOf(part.architecture, part.weights), logitsOf(cut.architecture, cut.weights), 1e-6);
  });

  it('refuses what is no orthonormal basis of the stream', () => {
    const model = foldedModel();
    assert.throws(() => rotateStream(model, new Float64Array(143)), /143 numbers are no basis/);
    assert.throws(() => rotateStream(model, new Float64Array(144).fill(0.1)), /not orthonormal/);
    assert.throws(
      () =>
        rotateStream(
          model,
          orthonormal(12, 12).map((value) => 1.001 * value),
        ),
      /orthonormal/,
    );
  });
});
