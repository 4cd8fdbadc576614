import { saidOf, type Said } from './said.ts';
import { scoreLogits, teacherReference } from './score-logits.ts';
import type { Scores } from './scores.ts';

/**
 * What models are scored by, whatever they answer: logits, or features. Answers are [B, C], row-major, labels [B] classes of the
 * data. It may hold tensors: its owner disposes it.
 */
export interface Judge {
  /** The teacher's answers to a batch -> what scores other models' answers to it, the teacher's own too. */
  against(teacher: ArrayLike<number>): (answers: ArrayLike<number>, labels: ArrayLike<number>) => Scores;
  /** What a model says of every image: its class, and how sure it is. */
  said(answers: ArrayLike<number>, labels: ArrayLike<number>): Said;
  dispose(): void;
}

/** Of classifiers: the most likely class, and KL(teacher || model). */
export function classJudge(classes: number): Judge {
  return {
    against(teacher) {
      const reference = teacherReference(teacher, classes);
      return (answers, labels) => scoreLogits(answers, labels, reference);
    },
    said: (answers, labels) => saidOf(answers, labels, classes),
    dispose: () => {},
  };
}
