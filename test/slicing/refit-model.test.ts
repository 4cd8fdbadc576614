import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { refitModel, type RefitModelOptions } from '../../pipeline/slicing/refit-model.ts';
import { cutOf } from '../../pipeline/slicing/shape.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { assertNear, batchesFor, divergence, foldedModel, logitsOf, pixelsFor, roomy } from './models.ts';

const options: RefitModelOptions = { ridge: 1e-8, sensitivity: { classShare: [0.3, 1] } };
const small: Architecture = { ...roomy, depth: 2 };
const fit = batchesFor(small, [24, 16]);
/** On images that nothing was fitted to. */
const logits = ({ architecture, weights }: SlicedModel, images = 12): Float32Array =>
  logitsOf(architecture, weights, pixelsFor(architecture, images, 77));
const everything = (model: SlicedModel, classes?: readonly number[]): SlicedModel =>
  cutModel(model, cutOf(model.architecture, { width: 12, keySize: 4, valueSize: 4, hidden: 12 }, classes));
const smaller = (model: SlicedModel): SlicedModel =>
  cutModel(model, cutOf(model.architecture, { width: 9, keySize: 2, valueSize: 3, hidden: 8 }));

describeOnEachEngine('slicing/refit-model', () => {
  for (const ridge of [0, 1e-8]) {
    it(`changes logits by at most 1e-3 where nothing is cut, with a ridge of ${ridge}`, async () => {
      const whole = foldedModel(small);
      const refitted = await refitModel(whole, everything(whole), fit(), { ...options, ridge });
      assert.notDeepEqual(
        refitted.weights['blocks.0.attn.qkv.weight'],
        whole.weights['blocks.0.attn.qkv.weight'],
      );
      assertNear(logits(refitted), logits(whole), 1e-3);
    });
  }

  it('brings a model whose FFNs were cut nearer on other images, all layers together more than the head alone', async () => {
    const whole = foldedModel(small);
    const cut = cutModel(whole, cutOf(small, { width: 12, keySize: 4, valueSize: 4, hidden: 8 }));
    const far = async (layers: RefitModelOptions['layers']): Promise<number> => {
      const model = await refitModel(whole, cut, batchesFor(small, [160])(), {
        ...options,
        ridge: 1e-2,
        layers,
      });
      return divergence(logits(whole, 40), logits(model, 40), 5);
    };
    const plain = divergence(logits(whole, 40), logits(cut, 40), 5);
    const [head, all] = [await far(['head']), await far(undefined)];
    assert.ok(head < 0.8 * plain && all < 0.8 * head, `cut ${plain}, head ${head}, all ${all}`);
  });

  it('changes the layers that it is asked for and no others', async () => {
    const whole = foldedModel(small);
    const cut = smaller(whole);
    const { architecture, weights } = await refitModel(whole, cut, fit(), {
      ...options,
      layers: ['mlp.fc2'],
    });
    assert.deepEqual(architecture, cut.architecture);
    for (const [name, tensor] of Object.entries(weights)) {
      assert.deepEqual(tensor.shape, cut.weights[name]!.shape);
      const isSame = tensor.data.every((value, at) => value === cut.weights[name]!.data[at]);
      assert.equal(isSame, !name.includes('mlp.fc2'), name);
    }
    const none = await refitModel(whole, cut, fit(), { ...options, layers: [] });
    assert.deepEqual(none.weights, cut.weights);
  });

  it('makes of the head what it is to say of the whole logits: some, and the log-sum-exp of the only other, within 1e-3', async () => {
    const whole = foldedModel(small);
    const headTargets = (all: tf.Tensor): tf.Tensor =>
      tf.concat([tf.gather(all, [3, 0, 4, 1], 1), tf.logSumExp(tf.gather(all, [2], 1), 1, true)], 1);
    const cut = everything(whole, [3, 0, 4, 1, 3]);
    const refitted = await refitModel(whole, cut, fit(), { ...options, headTargets });
    const all = logits(whole);
    const expected = Array.from({ length: 12 }, (_, i) => [3, 0, 4, 1, 2].map((row) => all[5 * i + row]!));
    assertNear(logits(refitted), expected.flat(), 1e-3);
  });

  it('fits the log-sum-exp of several without bias: the mean over the images is that of the targets, within 1e-4', async () => {
    const whole = foldedModel(small);
    const headTargets = (all: tf.Tensor): tf.Tensor =>
      tf.concat([tf.gather(all, [1], 1), tf.logSumExp(tf.gather(all, [0, 2, 3, 4], 1), 1, true)], 1);
    const refitted = await refitModel(whole, everything(whole, [1, 1]), fit(), { ...options, headTargets });
    const onFitted = ({ architecture, weights }: SlicedModel): Float32Array =>
      logitsOf(architecture, weights, pixelsFor(architecture, 40));
    const [all, found] = [onFitted(whole), onFitted(refitted)];
    let [expected, mean, largest] = [0, 0, 0];
    for (let image = 0; image < 40; image++) {
      const others = [0, 2, 3, 4].map((row) => all[5 * image + row]!);
      expected += Math.log(others.reduce((sum, value) => sum + Math.exp(value), 0)) / 40;
      mean += found[2 * image + 1]! / 40;
      largest = Math.max(largest, Math.abs(found[2 * image]! - all[5 * image + 1]!));
    }
    assert.ok(Math.abs(mean - expected) < 1e-4 * Math.abs(expected), `${mean} against ${expected}`);
    assert.ok(largest < 1e-2, `the row of the class itself differs by ${largest}`);
  });

  it('leaves nothing behind where it is stopped, where a batch fails and where there are no images', async () => {
    const whole = foldedModel(small);
    const cut = smaller(whole);
    const stop = new AbortController();
    const onLayer = (): void => {
      stop.abort(new Error('stopped'));
    };
    await assert.rejects(
      refitModel(whole, cut, fit(), { ...options, onLayer, signal: stop.signal }),
      /stopped/,
    );
    const failing = async function* (): AsyncGenerator<tf.Tensor4D> {
      yield* batchesFor(small, [4])();
      throw new Error('unreadable');
    };
    await assert.rejects(refitModel(whole, cut, failing(), options), /unreadable/);
    await assert.rejects(refitModel(whole, cut, batchesFor(small, [])(), options), /no images to refit/);
  });
});
