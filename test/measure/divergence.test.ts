import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { closeness } from '../../pipeline/measure/closeness.ts';
import { summedDivergence } from '../../pipeline/measure/divergence.ts';
import { drawnSlopes } from '../../pipeline/compress/visit-gradients.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const [images, width] = [4, 5];

function normals(name: string): Float32Array {
  const stream = random(1, 'divergence', name);
  return Float32Array.from({ length: images * width }, () => stream.normal());
}

const rowOf = (values: ArrayLike<number>, row: number): number[] =>
  Array.from({ length: width }, (_, i) => values[row * width + i]!);
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const unit = (a: readonly number[]) => a.map((value) => value / Math.sqrt(dot(a, a)));

describeOnEachEngine('how far answers are from the teacher’s', () => {
  for (const answer of ['pooled', undefined] as const) {
    const name = answer === undefined ? 'KL of logits' : '1 - cos of features';
    const architecture = { answer, classes: width };
    const teacher = normals('teacher');
    const student = normals('student');
    const near = closeness(architecture, teacher);
    const onHost = (values: ArrayLike<number>): number =>
      near(values).divergences.reduce((sum, value) => sum + value, 0);

    it(`is the same on the engine and on the host: ${name}`, () => {
      const found = tf.tidy(
        () =>
          summedDivergence(
            architecture,
            tf.tensor2d(teacher, [images, width]),
          )(tf.tensor2d(student, [images, width])).dataSync()[0]!,
      );
      assert.ok(Math.abs(found - onHost(student)) < 1e-5 * onHost(student));
      assert.ok(onHost(teacher) < 1e-12);
      assert.deepEqual([...near(teacher).agree], [1, 1, 1, 1]);
    });

    it(`has the gradient of finite differences: ${name}`, () => {
      const gradient = tf.tidy(() =>
        tf
          .grad((x) => summedDivergence(architecture, tf.tensor2d(teacher, [images, width]))(x))(
            tf.tensor2d(student, [images, width]),
          )
          .dataSync<'float32'>()
          .slice(),
      );
      const step = 1e-3;
      for (const [i, slope] of gradient.entries()) {
        const moved = (by: number) =>
          Float32Array.from(student, (value, at) => (at === i ? value + by : value));
        const expected = (onHost(moved(step)) - onHost(moved(-step))) / (2 * step);
        assert.ok(
          Math.abs(slope - expected) < 2e-3 * Math.max(0.1, Math.abs(expected)),
          `${i}: ${slope}, ${expected}`,
        );
      }
    });
  }

  it('is 1 - cos of features, whatever their lengths', () => {
    const [teacher, student] = [normals('teacher'), normals('student')];
    const longer = Float32Array.from(student, (value) => 7 * value);
    for (const values of [student, longer]) {
      const { divergences } = closeness({ answer: 'projected', classes: width }, teacher)(values);
      for (let row = 0; row < images; row++) {
        const cosine = dot(unit(rowOf(values, row)), unit(rowOf(teacher, row)));
        assert.ok(Math.abs(divergences[row]! - (1 - cosine)) < 1e-6);
      }
    }
  });

  it('agrees on an image whose own feature of the teacher is the nearest', () => {
    const teacher = normals('teacher');
    const exchanged = Float32Array.from([
      ...rowOf(teacher, 1),
      ...rowOf(teacher, 0),
      ...rowOf(teacher, 2),
      ...rowOf(teacher, 3),
    ]);
    const { agree } = closeness({ answer: 'pooled', classes: width }, teacher)(exchanged);
    assert.deepEqual([...agree], [0, 0, 1, 1]);
  });
});

describeOnEachEngine('drawn slopes of features', () => {
  it('are the gradient of z u with z standard normal, so their squares are the second order of 1 - cos', () => {
    const features = normals('features');
    const chosen = drawnSlopes({ answer: 'pooled' }, (image) => random(2, image));
    assert.ok(typeof chosen === 'object');
    const slopes = tf.tidy(() =>
      chosen
        .slopeOf(tf.tensor2d(features, [images, width]))
        .dataSync<'float32'>()
        .slice(),
    );
    for (let row = 0; row < images; row++) {
      const stream = random(2, row);
      const z = Array.from({ length: width }, () => stream.normal());
      const f = rowOf(features, row);
      const u = unit(f);
      const along = dot(z, u);
      for (let i = 0; i < width; i++) {
        const expected = (z[i]! - along * u[i]!) / Math.sqrt(dot(f, f));
        assert.ok(Math.abs(slopes[row * width + i]! - expected) < 1e-4);
      }
    }
  });
});
