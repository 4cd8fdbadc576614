import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { fuse } from '../../../pipeline/submodels/fusion/fuse.ts';
import type { FusionTask } from '../../../pipeline/submodels/fusion/fusion-task.ts';
import { fusionSchema } from '../../../pipeline/submodels/fusion/schema.ts';
import { towerGradients, type TowerBatch } from '../../../pipeline/submodels/fusion/tower-step.ts';
import { trainFusion } from '../../../pipeline/submodels/fusion/train-fusion.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { present } from '../../support/present.ts';
import { fleetFeatures } from './fleet-features.ts';

const widths = [6, 8, 5];
const classes = 4;

function taskOf(changes: Partial<FusionTask> = {}): FusionTask {
  return {
    widths,
    classes,
    fit: fleetFeatures(widths, classes, 160),
    heldOut: fleetFeatures(widths, classes, 120, { seed: 2 }),
    settings: fusionSchema.parse({ tower: { epochs: 10, batchSize: 32, learningRate: 2e-2, dropout: 0.1 } }),
    seed: 1,
    signal: new AbortController().signal,
    ...changes,
  };
}

describeOnEachEngine('submodels/fusion/train-fusion', () => {
  it('makes every head, measures them with each sub-model absent, and keeps the best', async () => {
    const epochs: string[] = [];
    const { head, report } = await trainFusion(taskOf({ onProgress: ({ note }) => epochs.push(note) }));
    const { chosen, candidates } = report;
    assert.deepEqual(
      candidates.map(({ name }) => name.replace(/, .*/, '')),
      ['ridge on labels', "ridge on the teacher's logits", 'tower'],
    );
    const best = Math.max(...candidates.map(({ top1 }) => top1));
    assert.equal(candidates.find(({ name }) => name === chosen)?.top1, best);
    for (const { name, top1, crossEntropy, absentTop1 } of candidates) {
      assert.ok(top1 > 0.85, `${name}: ${top1}`);
      assert.ok(crossEntropy < 0.5, `${name}: ${crossEntropy}`);
      assert.ok(absentTop1.length === 3 && Math.min(...absentTop1) > 0.8, `${name}: ${absentTop1.join()}`);
    }
    assert.ok(epochs.length > 0);
    assert.equal(fuse(head, [new Float32Array(6), undefined, new Float32Array(5)]).length, classes);
  });

  it('gives the same weights again, and manages without labels, teacher or a second sub-model', async () => {
    const settings = fusionSchema.parse({
      heads: ['tower'],
      tower: { epochs: 1, batchSize: 32, learningRate: 1e-2 },
    });
    const once = await trainFusion(taskOf({ settings }));
    const again = await trainFusion(taskOf({ settings }));
    assert.deepEqual(once.head, again.head);
    const fit = { ...taskOf().fit, labels: undefined };
    const alone = { ...fleetFeatures([6], classes, 320), teacherLogits: undefined };
    assert.ok((await trainFusion(taskOf({ fit, settings }))).report.candidates[0]!.top1 > 0.25);
    const { report } = await trainFusion(taskOf({ widths: [6], fit: alone, heldOut: alone, settings }));
    assert.deepEqual(report.candidates[0]!.absentTop1, []);
  });

  it('ends when it is told to, and refuses features that are no numbers', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const task = taskOf({ signal: stop.signal, onProgress: () => stop.abort(reason) });
    await assert.rejects(trainFusion(task), reason);
    const fit = fleetFeatures(widths, classes, 320);
    fit.features[1]![3] = NaN;
    await assert.rejects(trainFusion(taskOf({ fit })), /sub-model 1: a feature that is NaN/);
  });

  it('has the gradient of its loss', () => {
    const stream = random(1, 'gradients');
    const draw = (...shape: number[]) =>
      tf.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal()),
        shape,
      );
    const [b, f, h, k] = [6, 5, 4, 3];
    const parameters = {
      'kernel-0': draw(f, h),
      'bias-0': draw(h),
      'kernel-1': draw(h, k),
      'bias-1': draw(k),
    };
    const batch: TowerBatch = {
      x: draw(b, f),
      present: tf.tensor2d(
        Float32Array.from({ length: b * f }, (_, i) => (i % 3 === 0 ? 0 : 1)),
        [b, f],
      ),
      labels: tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), k).toFloat()),
      teacher: tf.tidy(() => tf.softmax(draw(b, k))),
      kept: [
        tf.tensor2d(
          Float32Array.from({ length: b * h }, (_, i) => (i % 4 === 0 ? 0 : 1.25)),
          [b, h],
        ),
      ],
    };
    const map = draw(f, f);
    const rules = { activation: 'gelu', layers: 2, teacherWeight: 0.4, temperature: 2 } as const;
    const lossAt = (shifted: Record<string, tf.Tensor>): number => {
      const { loss, gradients } = towerGradients(batch, shifted, map, rules);
      tf.dispose(gradients);
      return loss.dataSync()[0]!;
    };
    tf.tidy(() => {
      const { gradients } = towerGradients(batch, parameters, map, rules);
      for (const [name, parameter] of Object.entries(parameters)) {
        const direction = draw(...parameter.shape);
        const step = 1e-2;
        const at = (sign: number) =>
          lossAt({ ...parameters, [name]: tf.add(parameter, tf.mul(direction, sign * step)) });
        const expected = (at(1) - at(-1)) / (2 * step);
        const found = tf.sum(tf.mul(gradients[name]!, direction)).dataSync()[0]!;
        // Float32 losses of about 3 over a step of 1e-2, and the third derivative.
        assert.ok(
          Math.abs(found - expected) < 2e-3 * Math.max(1, Math.abs(expected)),
          `${name}: ${found}, ${expected}`,
        );
      }
    });
    tf.dispose([
      parameters,
      map,
      batch.x,
      present(batch.present),
      batch.labels,
      present(batch.teacher),
      ...batch.kept,
    ]);
  });
});
