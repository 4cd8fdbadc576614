import { isClassifier, type Architecture } from '../model/architecture.ts';
import { featureLoss, unitFeatures } from './feature-loss.ts';
import { scoreLogits, teacherReference } from './score-logits.ts';

/** How near answers are to the teacher's, image by image, without any label. */
export interface Closeness {
  /** KL(teacher || model) in nats, of features `1 - cos`. */
  readonly divergences: Float32Array;
  /** 1 where both have the same most likely class; of features, where no other image's feature of the teacher is nearer. */
  readonly agree: Uint8Array;
}

/** The teacher's answers [B * C] to a batch -> how near other models' are to them. */
export function closeness(
  architecture: Pick<Architecture, 'answer' | 'classes'>,
  teacher: ArrayLike<number>,
): (answers: ArrayLike<number>) => Closeness {
  const { classes } = architecture;
  if (!isClassifier(architecture)) return featureCloseness(teacher, classes);
  const reference = teacherReference(teacher, classes);
  return (answers) => {
    const { kl, agree } = scoreLogits(answers, reference.best, reference);
    return { divergences: kl, agree };
  };
}

function featureCloseness(
  teacher: ArrayLike<number>,
  width: number,
): (answers: ArrayLike<number>) => Closeness {
  const own = unitFeatures(teacher, width);
  const images = own.length / width;
  const product = (a: Float64Array, row: number, other: number): number => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += a[row * width + i]! * own[other * width + i]!;
    return sum;
  };
  return (answers) => {
    const unit = unitFeatures(answers, width);
    const isNearest = (image: number): boolean => {
      const toOwn = product(unit, image, image);
      for (let other = 0; other < images; other++) {
        if (other !== image && product(unit, image, other) > toOwn) return false;
      }
      return true;
    };
    return {
      divergences: Float32Array.from({ length: images }, (_, image) => featureLoss(unit, own, image, width)),
      agree: Uint8Array.from({ length: images }, (_, image) => (isNearest(image) ? 1 : 0)),
    };
  };
}
