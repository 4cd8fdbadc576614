import * as tf from '@tensorflow/tfjs-core';
import { isClassifier, type Architecture } from '../model/architecture.ts';
import { unitRows } from '../tensor/unit-rows.ts';

/**
 * How far answers are from the teacher's, summed over the images; answers [B, C]. Of classifiers `KL(softmax(teacher) ||
 * softmax(student))` in nats, of features `1 - cos`. Differentiable in the student's. Caller disposes.
 */
export function summedDivergence(
  architecture: Pick<Architecture, 'answer'>,
  teacher: tf.Tensor,
): (student: tf.Tensor) => tf.Tensor {
  return isClassifier(architecture) ? klOf(teacher) : featureLossOf(teacher);
}

function klOf(teacher: tf.Tensor): (student: tf.Tensor) => tf.Tensor {
  const certain = tf.logSoftmax(teacher);
  const probabilities = tf.exp(certain);
  return (student) => tf.sum(tf.mul(probabilities, tf.sub(certain, tf.logSoftmax(student))));
}

/** `1 - cos = ||t - s||^2 / 2` of features scaled to length 1: so nothing cancels where they are near. */
function featureLossOf(teacher: tf.Tensor): (student: tf.Tensor) => tf.Tensor {
  const aim = unitRows(teacher);
  return (student) => tf.mul(tf.sum(tf.square(tf.sub(unitRows(student), aim))), 0.5);
}
