import type { Judge } from './judge.ts';
import { featureLoss, unitFeatures } from './feature-loss.ts';
import { argMax } from './score-logits.ts';
import type { Scores } from './scores.ts';

/** Gives features their classes. May hold tensors. */
export interface Voter {
  readonly classes: number;
  /** Features of length 1 [B * F] -> how much speaks for each class [B * classes]: shares that sum to 1. */
  vote(features: Float64Array): Float64Array;
  dispose(): void;
}

/**
 * Of models whose answers are features: right and agreement by the class that gets the most votes (of equal ones the first),
 * divergence `1 - cos` to the teacher's feature (in `Scores.kl`).
 * @param width F. Takes over the voter
 */
export function featureJudge(width: number, voter: Voter): Judge {
  const { classes } = voter;
  return {
    against(teacher) {
      const own = unitFeatures(teacher, width);
      const best = chosenOf(voter.vote(own), classes);
      return (answers, labels) => {
        const unit = unitFeatures(answers, width);
        return scoreVotes(voter.vote(unit), labels, classes, best, (image) =>
          featureLoss(unit, own, image, width),
        );
      };
    },
    said(answers, labels) {
      const votes = voter.vote(unitFeatures(answers, width));
      const chosen = chosenOf(votes, classes);
      return {
        chosen,
        probability: Float32Array.from(chosen, (place, image) => votes[image * classes + place]!),
        labelProbability: Float32Array.from(chosen, (_, image) => votes[image * classes + labels[image]!]!),
      };
    },
    dispose: () => voter.dispose(),
  };
}

function chosenOf(votes: Float64Array, classes: number): Int32Array {
  return Int32Array.from({ length: votes.length / classes }, (_, image) =>
    argMax(votes, image * classes, classes),
  );
}

function scoreVotes(
  votes: Float64Array,
  labels: ArrayLike<number>,
  classes: number,
  teacher: Int32Array,
  lossOf: (image: number) => number,
): Scores {
  const images = teacher.length;
  const chosen = chosenOf(votes, classes);
  const isAmongFive = (image: number): boolean => {
    const start = image * classes;
    let asHigh = 0;
    for (let c = 0; c < classes; c++) if (votes[start + c]! >= votes[start + labels[image]!]!) asHigh++;
    return asHigh <= 5;
  };
  return {
    correct: Uint8Array.from(chosen, (place, image) => (place === labels[image] ? 1 : 0)),
    ...(classes > 5 && {
      top5: Uint8Array.from({ length: images }, (_, image) => (isAmongFive(image) ? 1 : 0)),
    }),
    agree: Uint8Array.from(chosen, (place, image) => (place === teacher[image] ? 1 : 0)),
    kl: Float32Array.from({ length: images }, (_, image) => lossOf(image)),
  };
}
