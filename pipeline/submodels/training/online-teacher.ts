import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../../model/backbone.ts';
import { uploadTeacher } from '../../model/upload.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import { fail } from '../../util/failure.ts';
import { logRelations } from './relation-loss.ts';
import { needsTeacher, relationsOf, type RelationName } from './needs-teacher.ts';
import { relationPlaces, type RelationPlace } from './relation-places.ts';
import { restrictOutputs } from './restrict-outputs.ts';
import { answersOf } from './submodel-answers.ts';
import type { ClassSubset, TrainingTask } from './training-task.ts';

/** What a teacher says of B images. Caller disposes. */
export interface TeacherAnswer {
  /** [B, outputs], restricted to the subset. */
  readonly logits: tf.Tensor2D;
  /** [B, F] */
  readonly features: tf.Tensor2D;
  /** [B, T, T] of each name that was asked for, `logRelations`. */
  readonly relations: readonly tf.Tensor[];
}

/** A teacher on the engine. */
export interface AskedTeacher {
  /**
   * One pass, one operation where the engine can; of `settings.microBatch` images at a time where that is given, so that the teacher's
   * activations, mostly the larger ones, are in memory of so few, too. pixels [B, S, S, C], which stay the caller's.
   */
  readonly ask: (pixels: tf.Tensor4D) => TeacherAnswer;
  readonly dispose: () => void;
}

/**
 * The task's teacher, ready to be asked; undefined where it has none. Caller disposes.
 * @throws BlockForgeError `config-invalid` where it is needed and not there, or its relations cannot be compared
 */
export function openTeacher(task: TrainingTask): AskedTeacher | undefined {
  const { name, teacher, settings, subset } = task;
  if (teacher === undefined) {
    if (!needsTeacher(settings)) return undefined;
    return fail({
      reason: 'config-invalid',
      subject: `training of ${name}`,
      found: 'no teacher beside it to ask about the images as they are changed',
      expected: 'one, as the settings compare token relations or change images that its word is learnt about',
      next: 'leave train.weights.relations and the mixing and changing of train.augment out, or learn from labels alone',
    });
  }
  const names = relationsOf(settings.weights);
  const place =
    names.length > 0 ? relationPlaces(name, teacher.architecture, task.architecture).teacher : undefined;
  const model = uploadTeacher(teacher.weights, teacher.architecture);
  return {
    ask: (pixels) =>
      inParts(pixels, settings.microBatch ?? pixels.shape[0], (part) =>
        askTeacher(model, part, subset, place && { place, names }),
      ),
    dispose: () => model.dispose(),
  };
}

/** Of all images, `most` at a time. Caller disposes. */
function inParts(
  pixels: tf.Tensor4D,
  most: number,
  ask: (part: tf.Tensor4D) => TeacherAnswer,
): TeacherAnswer {
  const [count] = pixels.shape;
  if (most >= count) return ask(pixels);
  return tf.tidy(() => {
    const parts = Array.from({ length: Math.ceil(count / most) }, (_, part) => {
      const from = part * most;
      const own = tf.slice4d(pixels, [from, 0, 0, 0], [Math.min(most, count - from), -1, -1, -1]);
      const answer = ask(own);
      own.dispose();
      return answer;
    });
    const [first] = parts as [TeacherAnswer];
    return {
      logits: tf.concat2d(
        parts.map(({ logits }) => logits),
        0,
      ),
      features: tf.concat2d(
        parts.map(({ features }) => features),
        0,
      ),
      relations: first.relations.map((_, index) =>
        tf.concat(
          parts.map(({ relations }) => relations[index]!),
          0,
        ),
      ),
    };
  });
}

interface Compared {
  readonly place: RelationPlace;
  readonly names: readonly RelationName[];
}

function askTeacher(
  { architecture, weights }: ModelTensors,
  pixels: tf.Tensor4D,
  subset: ClassSubset,
  compared: Compared | undefined,
): TeacherAnswer {
  const names = Object.keys(weights);
  const [logits, features, ...relations] = recorded(
    `teacher ${JSON.stringify([architecture, subset, compared ?? null])} ${names.join()}`,
    [pixels, ...names.map((name) => weights[name]!)],
    ([pixels, ...values]) => {
      const own = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
      const found = answersOf({ architecture, weights: own }, pixels, compared?.place);
      const relations = (compared?.names ?? []).flatMap((name) => {
        const term = found.relations?.[name];
        return term === undefined ? [] : [logRelations(term.x, term.size)];
      });
      return [restrictOutputs(found.logits, subset), found.pooled, ...relations];
    },
  );
  return { logits: logits as tf.Tensor2D, features: features as tf.Tensor2D, relations };
}
