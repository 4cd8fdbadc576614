import { featureWidth, imageSizeText, isSameSize } from '../../model/architecture.ts';
import { fail } from '../../util/failure.ts';
import type { FeatureScale } from '../training/feature-targets.ts';
import { needsTeacher } from '../training/needs-teacher.ts';
import { defaultTraining, type TrainingSettings } from '../training/schema.ts';
import { outputCount } from '../training/subset-outputs.ts';
import { trainingData, type TrainingData } from '../training/training-data.ts';
import type { TrainingTask } from '../training/training-task.ts';
import type { EnsembleTask } from './ensemble-task.ts';

/**
 * The training of a model that knows all classes, as far as images, draws, varied images and what the teacher says of them go: an
 * ensemble's batches are the batches of that.
 * @throws BlockForgeError `config-invalid`, `data-invalid`; Error where sizes disagree, which is a bug
 */
export function asOneModel(task: EnsembleTask): TrainingTask {
  const { name, submodels, images, targets, teacher, seed, signal, checkpoint } = task;
  checkEnsemble(task);
  const [first] = submodels;
  if (first === undefined) throw new Error(`${name}: an ensemble of no sub-models`);
  const { classes } = targets;
  return {
    name,
    architecture: { ...first.architecture, classes },
    weights: first.weights,
    subset: { classes: Array.from({ length: classes }, (_, label) => label), other: false },
    images,
    targets,
    teacher,
    settings: asTraining(task),
    seed,
    signal,
    checkpoint,
  };
}

/** What an ensemble draws its batches from. */
export type EnsembleData = TrainingData & { readonly scale: FeatureScale };

/** @throws BlockForgeError `data-invalid` where a class has no image */
export function ensembleData(one: TrainingTask): EnsembleData {
  const data = trainingData(one);
  const { scale } = data;
  if (scale === undefined) throw new Error(`${one.name}: no tokens of the teacher to learn from`);
  return { ...data, scale };
}

function asTraining({ settings, heldOut }: Pick<EnsembleTask, 'settings' | 'heldOut'>): TrainingSettings {
  const { weights, ...rest } = settings;
  const { relations } = defaultTraining.weights;
  const asked = { logits: 0, hard: weights.hard, labels: weights.labels, features: 1, relations };
  return { ...defaultTraining, ...rest, heldOut, weights: asked };
}

function checkEnsemble(task: EnsembleTask): void {
  const { name, submodels, images, targets, teacherHead, teacher, settings } = task;
  const subject = `the ensemble ${name}`;
  const widthOfTeacher = teacher ? featureWidth(teacher.architecture) : targets.width;
  if (targets.features === undefined) throw new Error(`${subject}: the teacher's features are not there`);
  if (
    teacherHead.inputs !== targets.width ||
    teacherHead.outputs !== targets.classes ||
    widthOfTeacher !== targets.width
  ) {
    throw new Error(
      `${subject}: a teacher's head of ${teacherHead.inputs} to ${teacherHead.outputs} for tokens of ${targets.width}`,
    );
  }
  if (teacher === undefined && needsTeacher(asTraining(task))) {
    fail({
      reason: 'config-invalid',
      subject,
      found: 'no teacher beside it to ask about the images as they are changed',
      expected: 'one, as the settings mix or change images',
      next: 'leave the mixing and changing of ensemble.augment out',
    });
  }
  if (Object.values(settings.weights).every((weight) => weight === 0)) {
    throw new Error(`${subject}: all weights of the loss are 0`);
  }
  for (const [values, width] of [
    [targets.logits, targets.classes],
    [targets.features, targets.width],
  ] as const) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const found = `the teacher said ${values[at]} of image ${Math.floor(at / width)}`;
    fail({ reason: 'not-finite', subject, found, expected: 'finite numbers', next: 'take a sound teacher' });
  }
  const { crop, channels } = images.preprocessing;
  for (const { name: own, architecture, subset } of submodels) {
    if (architecture.classes !== outputCount(subset)) {
      throw new Error(`${own}: ${architecture.classes} outputs, expected ${outputCount(subset)}`);
    }
    if (isSameSize(crop, architecture.imageSize) && channels === architecture.channels) continue;
    fail({
      reason: 'data-invalid',
      subject,
      found: `${own} takes images of ${imageSizeText(architecture.imageSize)} px with ${architecture.channels} channels`,
      expected: `${imageSizeText(crop)} px with ${channels} channels, as images are prepared for the teacher`,
      next: 'take sub-models that start from models of the same input',
    });
  }
}
