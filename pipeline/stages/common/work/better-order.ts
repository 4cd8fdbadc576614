import { bestAssignment } from '../../../measure/assignment.ts';
import { clearlyBetter, discordant } from './clearly-better.ts';

/** What the teacher said of some labelled images: class indices, both in the model's order. */
export interface Predictions {
  readonly labels: ArrayLike<number>;
  readonly predicted: ArrayLike<number>;
}

/** Another order of the classes that the teacher agrees with clearly more often. */
export interface BetterOrder {
  /** Of the orders that have one; undefined where it was fitted. */
  readonly name: string | undefined;
  /** For each class, the output that it seems to be. */
  readonly outputs: readonly number[];
  /** How many of the images are right then. */
  readonly correct: number;
}

/** Of luck, for an order to count as better. */
export interface Levels {
  readonly named: number;
  readonly fitted: number;
}
/** A named order was not chosen by the images; a fitted one was, and has to be better on images that it was not fitted to. */
export const strictLevels = { named: 0.01, fitted: 0.001 } as const satisfies Levels;
/** Enough to doubt another explanation. */
export const looseLevels = { named: 0.05, fitted: 0.05 } as const satisfies Levels;
/** The assignment is cubic in the classes that are confused at all. */
const mostFitted = 2500;

/**
 * Looks for an order of the classes under which the teacher is right on clearly more images: first among `named`, then the
 * one that maximises agreement, by assignment on the table of labels against predictions. A permutation fitted to few
 * images always gains on those; it is fitted to each half of every class and must gain on the other, so that neither a
 * mediocre teacher nor a thousand classes with an image each are taken for a wrong order.
 * @param count of the classes
 * @param named for each class, the output it has in that order
 * @param levels the probability that luck makes one clearly better
 */
export function betterOrder(
  predictions: Predictions,
  count: number,
  named: ReadonlyMap<string, readonly number[]>,
  levels: Levels = strictLevels,
): BetterOrder | undefined {
  const { labels, predicted } = predictions;
  let best: BetterOrder | undefined;
  for (const [name, outputs] of named) {
    const found = compare(predictions, outputs, () => true);
    const correct = rightWith(predictions, outputs);
    if (clearlyBetter(found.gains, found.losses, levels.named) && correct > (best?.correct ?? 0)) {
      best = { name, outputs, correct };
    }
  }
  if (best !== undefined) return best;
  const half = halves(labels, count);
  let gains = 0;
  let losses = 0;
  for (const side of [0, 1]) {
    const outputs = fit(predictions, count, (image) => half[image] === side);
    if (outputs === undefined) return undefined;
    const found = compare(predictions, outputs, (image) => half[image] !== side);
    gains += found.gains;
    losses += found.losses;
  }
  if (!clearlyBetter(gains, losses, levels.fitted)) return undefined;
  const outputs = fit({ labels, predicted }, count, () => true);
  return outputs && { name: undefined, outputs, correct: rightWith(predictions, outputs) };
}

/** Images of every class in turn to one half and the other. */
function halves(labels: ArrayLike<number>, count: number): Uint8Array {
  const seen = new Uint32Array(count);
  return Uint8Array.from({ length: labels.length }, (_, image) => seen[labels[image]!]!++ % 2);
}

function compare(
  { labels, predicted }: Predictions,
  outputs: readonly number[],
  counts: (image: number) => boolean,
): { readonly gains: number; readonly losses: number } {
  const images = Array.from({ length: labels.length }, (_, image) => image).filter(counts);
  const own = images.map((image) => predicted[image]!);
  const expected = images.map((image) => outputs[labels[image]!]!);
  const asNow = images.map((image) => labels[image]!);
  return discordant(
    own,
    (place) => expected[place]!,
    (place) => asNow[place]!,
  );
}

function rightWith({ labels, predicted }: Predictions, outputs: readonly number[]): number {
  let right = 0;
  for (let image = 0; image < labels.length; image++)
    if (outputs[labels[image]!] === predicted[image]) right++;
  return right;
}

/** The permutation that the most images agree with; of equal ones that which moves the fewest classes. */
function fit(
  { labels, predicted }: Predictions,
  count: number,
  counts: (image: number) => boolean,
): number[] | undefined {
  const outputs = Array.from({ length: count }, (_, index) => index);
  // Classes that are never confused stay where they are.
  const involved = new Set<number>();
  for (let image = 0; image < labels.length; image++) {
    if (counts(image) && labels[image] !== predicted[image]) {
      involved.add(labels[image]!).add(predicted[image]!);
    }
  }
  const classes = [...involved].sort((a, b) => a - b);
  const size = classes.length;
  if (size > mostFitted) return undefined;
  const places = new Map(classes.map((index, place) => [index, place]));
  const gains = new Float64Array(size * size);
  // Staying breaks ties, and outweighs no image.
  for (let place = 0; place < size; place++) gains[place * size + place] = 1 / (size + 1);
  for (let image = 0; image < labels.length; image++) {
    const [row, column] = [places.get(labels[image]!), places.get(predicted[image]!)];
    if (counts(image) && row !== undefined && column !== undefined) gains[row * size + column]! += 1;
  }
  bestAssignment(gains, size).forEach((column, row) => (outputs[classes[row]!] = classes[column]!));
  return outputs;
}
