/**
 * A linear head in closed form: ridge regression of standardised features on one-hot labels (Hoerl and Kennard 1970; as a classifier,
 * Rifkin and Lippert, "Notes on regularized least squares", 2007). The ridge is chosen on held-out images, and one temperature makes
 * probabilities of the scores (Guo et al., "On calibration of modern neural networks", 2017).
 */
import { factorise } from '../tensor/float64/cholesky.ts';
import { matrix, transposed, type Matrix } from '../tensor/float64/matrix.ts';
import { addProduct } from '../tensor/float64/product.ts';
import { solveLower, solveUpper } from '../tensor/float64/triangular.ts';

export interface LabelledFeatures {
  /** F */
  readonly width: number;
  /** [n * F] */
  readonly features: ArrayLike<number>;
  /** [n] */
  readonly labels: ArrayLike<number>;
}

/** A head as a model has it: logits = features weightsᵀ + bias. */
export interface LinearHead {
  /** [classes * F] */
  readonly weight: Float64Array;
  /** [classes] */
  readonly bias: Float64Array;
}

export interface FittedHead extends LinearHead {
  /** As a share of a standardised feature's variance, which is 1. */
  readonly ridge: number;
  /** What scores were divided by. */
  readonly temperature: number;
  /** Of the head that saw the training images alone. */
  readonly heldOut: { readonly images: number; readonly correct: number; readonly nll: number };
}

/** Half decades. */
const ridges: readonly number[] = Array.from({ length: 13 }, (_, step) => 10 ** (-4 + step / 2));

/**
 * Fits heads to the training images, takes the ridge and the temperature with the least negative log-likelihood of the held-out ones,
 * and fits that one to all images.
 * @param ridge the only one to try, or `auto`
 */
export function fitHead(
  training: LabelledFeatures,
  heldOut: LabelledFeatures,
  classes: number,
  ridge: number | 'auto',
): FittedHead {
  const solve = ridgeSolver(training, classes);
  const tried = (ridge === 'auto' ? ridges : [ridge]).map((share) => {
    const scores = scoresOf(solve(share), heldOut, classes);
    return { ridge: share, scores, ...bestTemperature(scores, heldOut.labels, classes) };
  });
  const best = tried.reduce((a, b) => (b.nll < a.nll ? b : a));
  const { weight, bias } = ridgeSolver(joined(training, heldOut), classes)(best.ridge);
  const scale = 1 / best.temperature;
  return {
    weight: weight.map((value) => value * scale),
    bias: bias.map((value) => value * scale),
    ridge: best.ridge,
    temperature: best.temperature,
    heldOut: {
      images: heldOut.labels.length,
      correct: countRight(best.scores, heldOut.labels, classes),
      nll: best.nll,
    },
  };
}

/**
 * The head that minimises `mean |x̂ W + b - y|² + ridge |W|²` over the images, where x̂ are features with mean 0 and variance 1, y
 * one-hot labels and b is not punished: given for features as they are. A constant feature counts as 0.
 */
export function ridgeSolver(
  { width, features, labels }: LabelledFeatures,
  classes: number,
): (ridge: number) => LinearHead {
  const images = labels.length;
  const { means, scales } = momentsOf(features, images, width);
  const x = matrix(images, width);
  for (let i = 0; i < images * width; i++) {
    const feature = i % width;
    x.data[i] = (features[i]! - means[feature]!) * scales[feature]!;
  }
  const shares = new Float64Array(classes);
  for (let image = 0; image < images; image++) shares[labels[image]!]! += 1 / images;
  const y = matrix(images, classes);
  for (let image = 0; image < images; image++) {
    for (let c = 0; c < classes; c++)
      y.data[image * classes + c] = (labels[image] === c ? 1 : 0) - shares[c]!;
  }
  const gram = matrix(width, width);
  addProduct(gram, 1 / images, transposed(x), x, { lowerOnly: true });
  const target = matrix(width, classes);
  addProduct(target, 1 / images, transposed(x), y);
  return (ridge) => unstandardised(solved(gram, target, ridge), means, scales, shares);
}

/** (gram + ridge) W = target */
function solved(gram: Matrix, target: Matrix, ridge: number): Matrix {
  const { factor } = factorise(gram, ridge);
  const solution = { ...target, data: target.data.slice() };
  solveLower(factor, solution);
  solveUpper(transposed(factor), solution);
  return solution;
}

function unstandardised(
  { data, rows: width, columns: classes }: Matrix,
  means: Float64Array,
  scales: Float64Array,
  shares: Float64Array,
): LinearHead {
  const weight = new Float64Array(classes * width);
  const bias = shares.slice();
  for (let f = 0; f < width; f++) {
    for (let c = 0; c < classes; c++) {
      const value = data[f * classes + c]! * scales[f]!;
      weight[c * width + f] = value;
      bias[c]! -= value * means[f]!;
    }
  }
  return { weight, bias };
}

/** Means, and what makes the variance 1; 0 for a feature that is constant. */
function momentsOf(
  features: ArrayLike<number>,
  images: number,
  width: number,
): { readonly means: Float64Array; readonly scales: Float64Array } {
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let i = 0; i < images * width; i++) means[i % width]! += features[i]! / images;
  for (let i = 0; i < images * width; i++) squares[i % width]! += (features[i]! - means[i % width]!) ** 2;
  const scales = squares.map((sum, feature) => {
    const deviation = Math.sqrt(sum / images);
    return deviation > 1e-9 * Math.max(1, Math.abs(means[feature]!)) ? 1 / deviation : 0;
  });
  return { means, scales };
}

/** [n * classes] */
export function scoresOf(
  { weight, bias }: LinearHead,
  { width, features, labels }: LabelledFeatures,
  classes: number,
): Float64Array {
  const images = labels.length;
  const scores = matrix(images, classes);
  for (let i = 0; i < scores.data.length; i++) scores.data[i] = bias[i % classes]!;
  addProduct(
    scores,
    1,
    matrix(images, width, Float64Array.from(features)),
    transposed(matrix(classes, width, weight)),
  );
  return scores.data;
}

/** The temperature of the least mean negative log-likelihood, in nats, by golden section over its logarithm: there is one minimum. */
export function bestTemperature(
  scores: Float64Array,
  labels: ArrayLike<number>,
  classes: number,
): { readonly temperature: number; readonly nll: number } {
  const at = (logarithm: number) => meanNll(scores, labels, classes, Math.exp(logarithm));
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(1e-3), Math.log(1e2)];
  for (let step = 0; step < 60; step++) {
    const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
    if (at(left) < at(right)) high = right;
    else low = left;
  }
  const temperature = Math.exp((low + high) / 2);
  return { temperature, nll: at(Math.log(temperature)) };
}

function meanNll(
  scores: Float64Array,
  labels: ArrayLike<number>,
  classes: number,
  temperature: number,
): number {
  let total = 0;
  for (let image = 0; image < labels.length; image++) {
    const own = scores.subarray(image * classes, (image + 1) * classes);
    const largest = own.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp((own[c]! - largest) / temperature);
    total += Math.log(sum) - (own[labels[image]!]! - largest) / temperature;
  }
  return total / labels.length;
}

function countRight(scores: Float64Array, labels: ArrayLike<number>, classes: number): number {
  let right = 0;
  for (let image = 0; image < labels.length; image++) {
    const own = scores.subarray(image * classes, (image + 1) * classes);
    if (own.indexOf(own.reduce((a, b) => Math.max(a, b), -Infinity)) === labels[image]) right++;
  }
  return right;
}

function joined(a: LabelledFeatures, b: LabelledFeatures): LabelledFeatures {
  return {
    width: a.width,
    features: both(new Float64Array(a.features.length + b.features.length), a.features, b.features),
    labels: both(new Int32Array(a.labels.length + b.labels.length), a.labels, b.labels),
  };
}

function both<T extends Float64Array | Int32Array>(target: T, a: ArrayLike<number>, b: ArrayLike<number>): T {
  target.set(a);
  target.set(b, a.length);
  return target;
}
