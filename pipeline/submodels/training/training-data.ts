/** What a training draws its batches from. */
import { extentOf, imageSizeText, isSameSize } from '../../model/architecture.ts';
import { fail } from '../../util/failure.ts';
import { drawImages, subsetImages, type SubsetImages } from './epoch-draw.ts';
import { featureScale, type FeatureScale } from './feature-targets.ts';
import { divideImages } from './held-out-images.ts';
import { outputCount, outputsOf, restrictLogits } from './subset-outputs.ts';
import type { TeacherTargets, TrainingTask } from './training-task.ts';

export interface View {
  /** [N, M]: the teacher's, restricted to the sub-model's outputs, or the labels'. */
  readonly logits: Float32Array;
  /** [N, D]; undefined where nothing is learnt from them. */
  readonly features: Float32Array | undefined;
}

export interface TrainingData {
  readonly training: SubsetImages;
  /** Places of the held-out images: own ones and as many others, always the same. */
  readonly heldOut: Uint32Array;
  /** M */
  readonly outputs: number;
  /** The output that is right for each of the N images. */
  readonly right: Int32Array;
  readonly plain: View;
  readonly flipped: View | undefined;
  /** Undefined where features have no weight. */
  readonly scale: FeatureScale | undefined;
}

/** @throws BlockForgeError `data-invalid` where a class has no image or images do not fit the architecture */
export function trainingData(task: TrainingTask): TrainingData {
  const { subset, images, targets, settings, seed, architecture } = task;
  checkTask(task);
  const classes = targets?.classes ?? architecture.classes;
  const { training, heldOut } = divideImages(images.labels, settings.heldOut, seed);
  const sort = (places: Uint32Array) =>
    subsetImages(images.labels, places, classes, subset, settings.otherFactor);
  const own = sort(training);
  const outputs = outputsOf(subset, classes);
  const right = images.labels.map((label) => outputs[label]!);
  const view = (of: TeacherTargets): View => ({
    logits: restrictLogits(of.logits, of.classes, subset),
    features: settings.weights.features > 0 ? of.features : undefined,
  });
  const plain = targets ? view(targets) : certain(right, outputCount(subset));
  const { features } = plain;
  const data = {
    training: own,
    heldOut: drawImages(sort(heldOut), seed, 'held-out'),
    outputs: outputCount(subset),
    right,
    plain,
    flipped: task.flippedTargets && view(task.flippedTargets),
    scale: targets && features && featureScale({ ...targets, features }, drawImages(own, seed, 'epoch', 0)),
  };
  checkClasses(task, data);
  return data;
}

/** What is behind `certainty` has no probability left in float32 or float64, and no infinity either. */
const certainty = 1000;

/** Logits of somebody who is sure of the labels: the divergence from them is the cross-entropy. */
function certain(right: Int32Array, outputs: number): View {
  const logits = new Float32Array(right.length * outputs).fill(-certainty);
  right.forEach((output, row) => {
    if (output >= 0) logits[row * outputs + output] = 0;
  });
  return { logits, features: undefined };
}

/** Own images and others that one pass goes over. */
export function imagesPerEpoch({ own, othersDrawn }: SubsetImages): number {
  return own.length + othersDrawn;
}

/** What only a bug gets wrong, and images of another size. */
function checkTask(task: TrainingTask): void {
  const { name, architecture, subset, images, targets, flippedTargets, settings, teacher, restricts } = task;
  const wanted = restricts === true ? (targets?.classes ?? architecture.classes) : outputCount(subset);
  if (architecture.classes !== wanted) {
    throw new Error(`${name}: ${architecture.classes} outputs, expected ${wanted}`);
  }
  if (teacher && teacher.architecture.classes !== targets?.classes) {
    throw new Error(
      `${name}: a teacher of ${teacher.architecture.classes} outputs, expected ${targets?.classes}`,
    );
  }
  for (const one of [targets, flippedTargets]) {
    if (one === undefined) continue;
    const { classes, width, logits, features } = one;
    const found = [logits.length, features?.length ?? images.count * width];
    const expected = [images.count * classes, images.count * width];
    if (found.join() !== expected.join()) {
      throw new Error(
        `${name}: the teacher's targets have ${found.join()} values, expected ${expected.join()}`,
      );
    }
  }
  if (settings.weights.features > 0 && targets?.features === undefined) {
    throw new Error(`${name}: features have a weight, and the teacher's are not there`);
  }
  const { logits, hard, labels } = settings.weights;
  if (logits + hard + labels === 0) {
    fail({
      reason: 'config-invalid',
      subject: `train.weights, for ${name}`,
      found: 'logits, hard and labels of 0: nothing teaches the answers',
      expected: 'one of them above 0',
      next: 'raise one of them; features and relations are learnt beside',
    });
  }
  const { crop, channels } = images.preprocessing;
  if (isSameSize(crop, architecture.imageSize) && channels === architecture.channels) return;
  const { height, width } = extentOf(crop);
  fail({
    reason: 'data-invalid',
    subject: `training of ${name}`,
    found: `images of ${height} x ${width} px with ${channels} channels`,
    expected: `images of ${imageSizeText(architecture.imageSize)} px with ${architecture.channels} channels`,
    next: "make data.preprocessing agree with the teacher's architecture",
  });
}

function checkClasses({ name, subset, images }: TrainingTask, data: TrainingData): void {
  const seen = new Set(data.training.own.map((place) => images.labels[place]!));
  const missing = subset.classes.find((label) => !seen.has(label));
  const needed = (found: string, expected: string): never =>
    fail({
      reason: 'data-invalid',
      subject: `training of ${name}`,
      found,
      expected,
      next: 'raise data.splits.calibration, whose images sub-models learn from, and run again',
    });
  if (missing !== undefined)
    needed(`no image of class ${missing} to learn from`, 'two or more of every class');
  if (data.heldOut.length === 0) needed('no image to hold out', 'classes of two images or more');
}
