import { chainImages, heldOutImages } from './calibration.ts';
import { distillInputs, refitInputs, type ComposedInputs, type Recipe } from './recipe.ts';

/** How many calibration images are fitted to, and how many more are held out. A type, not an interface, so that it is JSON. */
export type UsedImages = { readonly training: number; readonly heldOut: number };

/** What the stages of a recipe really use of the calibration images: composed inputs may have a cap. */
export type FittedOn = {
  /** Images of the calibration split. */
  readonly calibration: number;
  /** Order, too. */
  readonly statistics: UsedImages;
  readonly refit: UsedImages;
  readonly distill: (UsedImages & { readonly steps: Steps }) | null;
};

/** Of a training; jobs that train by the minute differ. Null: not known beforehand. */
export type Steps = { readonly least: number; readonly most: number } | null;

/**
 * @param heldOut share of the images that is held out
 * @param images of the calibration split
 * @param stepsOf of a training on so many images
 */
export function fittedOn(
  recipe: Pick<Recipe, 'inputs' | 'refit' | 'distill'>,
  heldOut: number,
  images: number,
  stepsOf: (training: number) => Steps,
): FittedOn {
  const held = heldOutImages({ heldOut }, images);
  const all = { training: images - held, heldOut: held };
  const used = (composed: ComposedInputs | null): UsedImages =>
    composed === null ? all : chainImages({ images: composed.images, heldOut }, all);
  const trained = used(distillInputs(recipe));
  return {
    calibration: images,
    statistics: all,
    refit: used(refitInputs(recipe)),
    distill: recipe.distill === null ? null : { ...trained, steps: stepsOf(trained.training) },
  };
}

/** In one sentence without an end. */
export function describeFittedOn({ calibration, statistics, refit, distill }: FittedOn): string {
  const used = ({ training, heldOut }: UsedImages) => `${count(training)} (and ${count(heldOut)} held out)`;
  const steps = (of: Steps) => {
    if (of === null) return 'as many steps as the time allows';
    return of.least === of.most ? `${count(of.most)} steps` : `${count(of.least)} to ${count(of.most)} steps`;
  };
  return [
    `of ${count(calibration)} calibration images, order and statistics use ${used(statistics)}`,
    `the refit ${used(refit)}`,
    distill === null ? 'nothing is distilled' : `distillation ${used(distill)} in ${steps(distill.steps)}`,
  ].join(', ');
}

/** Undefined where all calibration images are used that are asked for. */
export function capWarning({ calibration, refit, distill }: FittedOn): string | undefined {
  const most = Math.min(...[refit, distill].flatMap((used) => (used ? [used.training + used.heldOut] : [])));
  if (most >= calibration) return undefined;
  return (
    `${count(calibration)} calibration images are asked for, refit or distillation use ${count(most)} of them (inputs.images; ` +
    `all: --set inputs.images=null)`
  );
}

function count(value: number): string {
  return value.toLocaleString('en');
}
