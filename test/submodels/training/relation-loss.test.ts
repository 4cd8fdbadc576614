import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { logRelations, relationLoss } from '../../../pipeline/submodels/training/relation-loss.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { normals } from './rig.ts';

interface Side {
  readonly width: number;
  readonly size: number;
  readonly values: readonly number[];
}

interface Reference {
  readonly title: string;
  readonly batch: number;
  readonly tokens: number;
  readonly teacher: Side;
  readonly student: Side;
  readonly loss: number;
  readonly gradient: readonly number[];
}

const file = new URL('../../fixtures/distillation/expected.json', import.meta.url);
const { relations } = JSON.parse(readFileSync(file, 'utf8')) as { relations: readonly Reference[] };

/** The loss and its gradient at x, on the host. */
function lossOf(x: tf.Tensor, size: number, aim: tf.Tensor): { loss: number; gradient: Float32Array } {
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => relationLoss(x, size, aim))(x);
  const found = { loss: value.dataSync()[0]!, gradient: grad.dataSync<'float32'>() };
  tf.dispose([value, grad]);
  return found;
}

describeOnEachEngine('the divergence of token relations', () => {
  for (const { title, batch, tokens, teacher, student, loss, gradient } of relations) {
    it(`is PyTorch's, and so is its gradient, of a sub-model ${title} (within 1e-5)`, () => {
      tf.tidy(() => {
        const tensorOf = ({ values, width }: Side) => tf.tensor3d([...values], [batch, tokens, width]);
        const found = lossOf(tensorOf(student), student.size, logRelations(tensorOf(teacher), teacher.size));
        assert.ok(Math.abs(found.loss - loss) < 1e-5 * (1 + loss), `${found.loss}, ${loss}`);
        gradient.forEach((slope, i) => {
          assert.ok(Math.abs(found.gradient[i]! - slope) < 1e-5, `${found.gradient[i]}, ${slope}`);
        });
      });
    });
  }

  it('is 0, with no gradient, where tokens relate as in the teacher, in a space of any width, turned in it', () => {
    tf.tidy(() => {
      const x = tf.tensor3d(normals(2 * 4 * 3, 'x'), [2, 4, 3]);
      // Orthonormal rows into a space of six, of heads of another size: scores are to be larger by their scale.
      const rows = tf.tensor2d(
        [
          [0.6, 0.8, 0, 0, 0, 0],
          [0, 0, 1, 0, 0, 0],
          [-0.8, 0.6, 0, 0, 0, 0],
        ].map((row) => row.map((value) => value * (6 / 3) ** 0.25)),
      );
      const turned = tf.reshape(tf.matMul(tf.reshape(x, [8, 3]), rows), [2, 4, 6]);
      const { loss, gradient } = lossOf(turned, 6, logRelations(x, 3));
      assert.ok(Math.abs(loss) < 1e-6, `${loss}`);
      assert.ok(gradient.every((slope) => Math.abs(slope) < 1e-6));
    });
  });

  it("is log T less the teacher's entropy where all of a sub-model's tokens are alike", () => {
    tf.tidy(() => {
      const tokens = 5;
      const aim = logRelations(tf.tensor3d(normals(2 * tokens * 4, 'x'), [2, tokens, 4]), 2);
      const logs = aim.dataSync<'float32'>();
      const entropy = -logs.reduce((sum, log) => sum + Math.exp(log) * log, 0) / (2 * tokens);
      const { loss } = lossOf(tf.zeros([2, tokens, 3]), 3, aim);
      assert.ok(Math.abs(loss - (Math.log(tokens) - entropy)) < 1e-5, `${loss}`);
    });
  });

  it('is a mean over images and tokens: the same images twice are worth what they were', () => {
    tf.tidy(() => {
      const x = tf.tensor3d(normals(4 * 4, 'x'), [1, 4, 4]);
      const aim = logRelations(tf.tensor3d(normals(4 * 6, 'y'), [1, 4, 6]), 3);
      const once = lossOf(x, 2, aim).loss;
      const twice = lossOf(tf.concat([x, x]), 2, tf.concat([aim, aim])).loss;
      assert.ok(Math.abs(once - twice) < 1e-6);
    });
  });
});
