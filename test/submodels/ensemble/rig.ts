import type { Architecture } from '../../../pipeline/model/architecture.ts';
import type { FusionLayer } from '../../../pipeline/submodels/fusion/fusion-head.ts';
import { defaultEnsemble } from '../../../pipeline/submodels/ensemble/schema.ts';
import type {
  EnsembleMember,
  EnsembleTask,
  TrainedEnsemble,
} from '../../../pipeline/submodels/ensemble/train-ensemble.ts';
import type { TeacherTargets } from '../../../pipeline/submodels/training/training-task.ts';
import { random } from '../../../pipeline/util/random.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';
import { architecture, classes, store } from '../training/rig.ts';

export const tokenWidth = 6;

/** Narrower, of another family, with two heads: it sends 2 x 6 numbers. */
export const distilled: Architecture = { ...architecture, family: 'deit', width: 6, hidden: 10 };

export const members: readonly EnsembleMember[] = [
  { name: 'two-00', architecture, weights: strongWeights(architecture), subset: { classes: [2, 0], other: true } },
  { name: 'two-01', architecture: distilled, weights: strongWeights(distilled, 4), subset: { classes: [1, 3], other: true } },
]; // prettier-ignore

/** By label. */
const centre = (label: number, d: number): number => 5 + 2 * Math.cos((label + 1) * (d + 1));

/** Logits by the distance of a token to each class's centre, but for what is the same for all. */
export const teacherHead: FusionLayer = {
  inputs: tokenWidth,
  outputs: classes,
  kernel: Float32Array.from({ length: tokenWidth * classes }, (_, i) => centre(i % classes, Math.floor(i / classes))),
  bias: Float32Array.from({ length: classes }, (_, c) => {
    let sum = 0;
    for (let d = 0; d < tokenWidth; d++) sum -= centre(c, d) ** 2 / 2;
    return sum;
  }),
}; // prettier-ignore

/** A teacher whose tokens lie around their class's centre. */
export function teacherOf(labels: Int32Array): TeacherTargets & { readonly features: Float32Array } {
  const stream = random(5, 'teacher');
  const features = new Float32Array(labels.length * tokenWidth);
  const logits = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    for (let d = 0; d < tokenWidth; d++) {
      features[row * tokenWidth + d] = centre(label, d) + 0.3 * stream.normal();
    }
    for (let c = 0; c < classes; c++) {
      let sum = teacherHead.bias[c]!;
      for (let d = 0; d < tokenWidth; d++) {
        sum += features[row * tokenWidth + d]! * teacherHead.kernel[d * classes + c]!;
      }
      logits[row * classes + c] = sum;
    }
  });
  return { classes, width: tokenWidth, logits, features };
}

export function ensembleTask(changes: Partial<EnsembleTask> = {}): EnsembleTask {
  const images = changes.images ?? store(160);
  return {
    name: 'two',
    submodels: members,
    images,
    targets: teacherOf(images.labels),
    teacherHead,
    settings: { ...defaultEnsemble, duration: { steps: 40 }, batchSize: 16, learningRate: 1e-2 },
    ridges: [1e-3, 1e-1, 10],
    heldOut: 0.2,
    seed: 1,
    signal: new AbortController().signal,
    checkpoint: memoryCheckpoint(),
    ...changes,
  };
}

/** A result without what no two runs share: the clock. */
export function timeless({ history, start, best, ...rest }: TrainedEnsemble): unknown {
  const still = [...history, start, best].map((look) => ({ ...look, seconds: 0 }));
  return { ...rest, still };
}
