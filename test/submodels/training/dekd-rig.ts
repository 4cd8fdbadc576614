/** A teacher in memory and settings as in DEKD, in small. */
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import type { HostWeights } from '../../../pipeline/model/host-weights.ts';
import { predictFeatures } from '../../../pipeline/submodels/training/predict-features.ts';
import type { ImageStore } from '../../../pipeline/submodels/training/image-store.ts';
import { trainingSchema, type TrainingSettings } from '../../../pipeline/submodels/training/schema.ts';
import { pixelTensor } from '../../../pipeline/submodels/training/training-batches.ts';
import type {
  OnlineTeacher,
  SubmodelTrainTask,
  TeacherTargets,
} from '../../../pipeline/submodels/training/train-submodel.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { architecture, store, teacherOf, trainTask } from './rig.ts';

/** Wider and deeper than the rig's sub-models, all four classes. */
const large: Architecture = { ...architecture, width: 12, heads: 3, depth: 4, hidden: 20, classes: 4 };

export const teacher: OnlineTeacher = { architecture: large, weights: strongWeights(large, 8) };

/** Narrower, shallower, two heads. */
export const student: Architecture = { ...architecture, family: 'deit', depth: 2 };

/** All of DEKD at once, and what varies images. */
export const dekd: TrainingSettings = trainingSchema.parse({
  duration: { steps: 6 },
  batchSize: 16,
  learningRate: 1e-2,
  weightDecay: 0,
  warmup: { epochs: 0.5, from: 1e-6 },
  floor: 1e-5,
  otherFactor: 1,
  weights: { logits: 0, features: 0, labels: 0.5, hard: 0.5, relations: { q: 3.3, k: 1.65, v: 4.95 } },
  averaging: { decay: 0.9, export: 'average' },
  augment: {
    flip: true,
    cropPadding: 1,
    mixup: 0.8,
    cutmix: 1,
    erase: { probability: 0.25 },
    randAugment: {},
    colourJitter: 0.4,
    smoothing: 0.1,
    repeats: 2,
  },
});

export function tuned(changes: Partial<TrainingSettings>): TrainingSettings {
  return { ...dekd, ...changes };
}

export function askedTask(changes: Partial<SubmodelTrainTask> = {}): SubmodelTrainTask {
  const images = changes.images ?? store(160);
  return trainTask({
    images,
    architecture: student,
    weights: strongWeights(student),
    teacher,
    targets: teacherOf(images.labels),
    settings: dekd,
    ...changes,
  });
}

/** What a model says of a store's images. */
export async function targetsBy(
  { architecture, weights }: { readonly architecture: Architecture; readonly weights: HostWeights },
  images: ImageStore,
): Promise<TeacherTargets> {
  const model = uploadTeacher(weights, architecture);
  const places = Array.from({ length: images.count }, (_, place) => place);
  async function* batch() {
    yield pixelTensor(await images.read(places), images);
  }
  try {
    for await (const { logits, features } of predictFeatures(model, batch())) {
      const { classes } = architecture;
      return { classes, width: features.length / images.count, logits, features };
    }
    throw new Error('no batch');
  } finally {
    model.dispose();
  }
}
