import { random, type Random } from '../../util/random.ts';
import { placesByClass } from './places-by-class.ts';
import { outputsOf } from './subset-outputs.ts';
import type { ClassSubset } from './training-task.ts';

/** What a sub-model may see of a list of images. */
export interface SubsetImages {
  /** Places of the images of its own classes. */
  readonly own: readonly number[];
  /** Of every other class that has images: their places. Empty where no output stands for other classes. */
  readonly others: readonly (readonly number[])[];
  /** How many images of other classes are drawn beside its own; never more than there are. */
  readonly othersDrawn: number;
}

/**
 * Sorts the images at `places` into own and other ones. Of the others as many are going to be drawn as one own class has on
 * average, times `otherFactor` (EC-SNN, IJCAI 2024, takes such a balanced class).
 */
export function subsetImages(
  labels: Int32Array,
  places: ArrayLike<number>,
  count: number,
  subset: ClassSubset,
  otherFactor: number,
): SubsetImages {
  const outputs = outputsOf(subset, count);
  const sorted = [...placesByClass(labels, places)];
  const own = sorted.flatMap(([label, of]) => (isOwn(outputs[label]!, subset) ? of : []));
  const others = sorted.flatMap(([label, of]) =>
    !subset.other || isOwn(outputs[label]!, subset) ? [] : [of],
  );
  const most = others.reduce((sum, { length }) => sum + length, 0);
  const wanted = Math.round((otherFactor * own.length) / subset.classes.length);
  return { own, others, othersDrawn: Math.min(most, wanted) };
}

function isOwn(output: number, { classes }: ClassSubset): boolean {
  return output >= 0 && output < classes.length;
}

/**
 * The images of one pass, in random order: all of its own, and others drawn evenly over their classes, without any twice.
 * A function of `seed` and `labels` alone.
 */
export function drawImages(
  { own, others, othersDrawn }: SubsetImages,
  seed: number,
  ...labels: readonly (string | number)[]
): Uint32Array {
  const stream = random(seed, 'sub-models', ...labels);
  const drawn = drawEvenly(others, othersDrawn, stream);
  return stream.shuffle(Uint32Array.from([...own, ...drawn]));
}

/** Takes one of each class in turn, in an order that changes from turn to turn, until there are `count`. */
function drawEvenly(classes: readonly (readonly number[])[], count: number, stream: Random): number[] {
  const shuffled = classes.map((places) => stream.shuffle([...places]));
  const drawn: number[] = [];
  for (let turn = 0; drawn.length < count; turn++) {
    const left = stream.shuffle(shuffled.filter(({ length }) => length > turn));
    for (const places of left.slice(0, count - drawn.length)) drawn.push(places[turn]!);
  }
  return drawn;
}
