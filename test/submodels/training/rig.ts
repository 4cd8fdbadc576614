import type { RawBatch } from '../../../datasets/contract.ts';
import type { HostWeights } from '../../../pipeline/model/host-weights.ts';
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { defaultTraining } from '../../../pipeline/submodels/training/schema.ts';
import type { ImageStore } from '../../../pipeline/submodels/training/image-store.ts';
import type {
  SubmodelTrainTask,
  TeacherTargets,
  TrainedSubmodel,
} from '../../../pipeline/submodels/training/train-submodel.ts';
import { random } from '../../../pipeline/util/random.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';

export const classes = 4;
export const width = 6;

/** A sub-model of three outputs: classes 2 and 0, and another one. */
export const architecture: Architecture = {
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  depth: 1,
  heads: 2,
  hidden: 16,
  classes: 3,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** The quarter that a class's images are bright in, under noise; `reads` counts what was asked for. */
export function store(count: number): ImageStore & { readonly reads: Set<number> } {
  const labels = Int32Array.from({ length: count }, (_, place) => place % classes);
  const stream = random(9, 'pixels');
  const all = new Uint8Array(count * 64);
  for (let i = 0; i < all.length; i++) {
    const [y, x] = [Math.floor((i % 64) / 8), i % 8];
    const quarter = 2 * Number(y > 3) + Number(x > 3);
    const bright = quarter === labels[Math.floor(i / 64)];
    all[i] = Math.max(0, Math.min(255, (bright ? 170 : 85) + 25 * stream.normal()));
  }
  const reads = new Set<number>();
  const preprocessing = {
    resize: null,
    resizeMode: 'shortest',
    interpolation: 'bicubic',
    crop: 8,
    channels: 1,
    mean: [0.5],
    std: [0.25],
  } as const;
  return {
    count,
    labels,
    preprocessing,
    reads,
    read(places) {
      const chosen = Array.from(places);
      const pixels = new Uint8Array(chosen.length * 64);
      chosen.forEach((place, row) => {
        reads.add(place);
        pixels.set(all.subarray(place * 64, (place + 1) * 64), row * 64);
      });
      const batch: RawBatch = {
        ids: chosen.map(String),
        labels: Int32Array.from(chosen, (place) => labels[place]!),
        pixels,
        count: chosen.length,
        size: 8,
        channels: 1,
      };
      return Promise.resolve(batch);
    },
  };
}

/** A teacher that is sure of the label, more or less, and whose features are the same in other numbers. */
export function teacherOf(labels: Int32Array): TeacherTargets & { readonly features: Float32Array } {
  const stream = random(5, 'teacher');
  const logits = new Float32Array(labels.length * classes);
  const features = new Float32Array(labels.length * width);
  labels.forEach((label, row) => {
    for (let c = 0; c < classes; c++) {
      logits[row * classes + c] = (c === label ? 3 : 0) + 0.3 * stream.normal();
    }
    for (let d = 0; d < width; d++) {
      features[row * width + d] = 5 + 2 * Math.cos(label * (d + 1)) + 0.1 * stream.normal();
    }
  });
  return { classes, width, logits, features };
}

export function trainTask(changes: Partial<SubmodelTrainTask> = {}): SubmodelTrainTask {
  const images = changes.images ?? store(160);
  return {
    name: 'two-00',
    architecture,
    weights: strongWeights(architecture),
    subset: { classes: [2, 0], other: true },
    images,
    targets: teacherOf(images.labels),
    settings: {
      ...defaultTraining,
      otherFactor: 1,
      duration: { steps: 60 },
      batchSize: 16,
      learningRate: 1e-2,
    },
    seed: 1,
    signal: new AbortController().signal,
    checkpoint: memoryCheckpoint(),
    ...changes,
  };
}

/** A result without what no two runs share: the clock. */
export function timeless({ history, start, best, ...rest }: TrainedSubmodel): unknown {
  const still = [...history, start, best].map((look) => ({ ...look, seconds: 0 }));
  return { ...rest, still };
}

export function normals(count: number, name: string): Float32Array {
  const stream = random(4, name);
  return Float32Array.from({ length: count }, () => stream.normal());
}

/** As `strongWeights`, but small enough that no softmax of theirs is sure. */
export function gentleWeights(architecture: Architecture): HostWeights {
  const weights = strongWeights(architecture);
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => {
      const scale = name.includes('norm') ? 0.1 : 0.5;
      return [name, { shape, data: data.map((value) => scale * value) }];
    }),
  );
}
