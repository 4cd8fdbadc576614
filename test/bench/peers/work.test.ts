import assert from 'node:assert/strict';
import { sweepMacs } from '../../../bench/peers/evaluation.ts';
import { layerProducts } from '../../../bench/peers/forward.ts';
import { precisionsOf } from '../../../bench/peers/machine.ts';
import { flopOf } from '../../../bench/peers/products.ts';
import { architectureNamed } from '../../../bench/peers/random-teacher.ts';
import { modelCosts } from '../../../pipeline/model/costs.ts';

describe('work of the peer table', () => {
  const tiny = architectureNamed('vit_tiny_patch16_224');

  it('counts two operations for every multiply-add of a product, whichever factor is stored transposed', () => {
    assert.equal(flopOf({ left: [2, 3], right: [3, 5] }), 60);
    assert.equal(flopOf({ left: [3, 2], right: [3, 5], transposeLeft: true }), 60);
    assert.equal(flopOf({ left: [4, 2, 3], right: [4, 5, 3], transposeRight: true }), 240);
  });

  it('measures the products of the layers, which are nearly all of a forward pass', () => {
    const layers = tiny.depth * layerProducts(tiny, 2).reduce((sum, shape) => sum + flopOf(shape), 0);
    const share = layers / (2 * 2 * modelCosts(tiny).macs);
    assert.ok(share > 0.97 && share < 1, `${share}`);
  });

  it('knows a sweep of 49 models to be less than half of 49 whole passes of the teacher', () => {
    const share = sweepMacs(tiny, [0.4, 0.5, 0.6, 0.7]) / (49 * modelCosts(tiny).macs);
    assert.ok(share > 0.4 && share < 0.45, `${share}`);
  });

  it('asks for bfloat16 where the processor has instructions for it', () => {
    assert.deepEqual(precisionsOf('flags : avx2 avx512_bf16 sse'), ['float32', 'bfloat16']);
    assert.deepEqual(precisionsOf('flags : amx_bf16'), ['float32', 'bfloat16']);
    assert.deepEqual(precisionsOf('flags : avx512f'), ['float32']);
  });
});
