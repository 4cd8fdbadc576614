import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TrainingResult } from '../../pipeline/distill/distill-task.ts';
import { bfloat16Obstacle } from '../../pipeline/precision/bfloat16-obstacle.ts';
import { plannedFacts } from '../../pipeline/precision/planned-facts.ts';
import { installedEngines } from '../../pipeline/tensor/installed.ts';
import { shape, stepInputs } from './bfloat16-training.ts';

interface Step {
  readonly loss: number;
  /** fc1's kernel and bias, fc2's. */
  readonly gradients: readonly (readonly number[])[];
}
interface Found {
  readonly float32: Step;
  readonly bfloat16: Step;
  readonly offTape: Step;
  readonly speedup: number;
  readonly training: Readonly<
    Record<'float32' | 'whole' | 'resumed', Pick<TrainingResult, 'students' | 'history'>>
  > & {
    readonly kept: { readonly precisions: readonly string[]; readonly step: number };
  };
  readonly asItIs: readonly unknown[];
  readonly left: number;
}

/** Elsewhere Eigen computes, which also rounds its sums; with TF_ENABLE_ONEDNN_OPTS=0 it does so on every processor. */
const isNative = bfloat16Obstacle(plannedFacts('tensorflow')) === undefined;

(installedEngines().tensorflow === undefined ? describe.skip : describe)('training in bfloat16', () => {
  let found: Found;

  before(async function () {
    this.timeout(120_000);
    const script = join(import.meta.dirname, 'bfloat16-training.ts');
    const env = {
      ...process.env,
      ...(!isNative && { TF_ENABLE_ONEDNN_OPTS: '0' }),
      BLOCKFORGE_FUNCTIONS: '',
    };
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env });
    found = JSON.parse(stdout) as Found;
  });

  it('has the loss and the gradients of float64 products with rounded factors, ten times nearer than float32’s', () => {
    const { loss, gradients } = reference();
    const nearer = (step: Step): void => {
      assert.ok(Math.abs(step.loss / loss - 1) < 1e-4, `loss ${step.loss}, expected ${loss}`);
      gradients.forEach((expected, part) => {
        const error = distance(step.gradients[part]!, expected);
        const rounding = distance(found.float32.gradients[part]!, expected);
        assert.ok(error < rounding / 10 && rounding < 0.02, `part ${part}: ${error}, float32 ${rounding}`);
      });
    };
    nearer(found.offTape);
    if (isNative) nearer(found.bfloat16);
  });

  it('has a loss within 1 % of float32 and gradients of a cosine above 0.999 with it', () => {
    assert.ok(Math.abs(found.bfloat16.loss / found.float32.loss - 1) < 0.01);
    assert.notEqual(found.bfloat16.loss, found.float32.loss);
    found.bfloat16.gradients.forEach((gradient, part) => {
      const cosine = cosineOf(gradient, found.float32.gradients[part]!);
      assert.ok(cosine > 0.999, `part ${part}: ${cosine}`);
    });
  });

  it('is one function a shape, and much the same comes out where functions are switched off', () => {
    assert.deepEqual(found.asItIs, []);
    found.offTape.gradients.forEach((gradient, part) => {
      const error = distance(gradient, found.bfloat16.gradients[part]!);
      assert.ok(error < (isNative ? 1e-3 : 0.03), `part ${part}: ${error}`);
    });
  });

  it('goes on bit for bit after an interruption, by the decision in the checkpoint', () => {
    const { kept, whole, resumed, float32 } = found.training;
    assert.equal(kept.step, 7);
    assert.deepEqual(kept.precisions, ['bfloat16', 'float32']);
    assert.deepEqual(resumed, whole);
    assert.deepEqual(
      whole.students.map(({ precision }) => precision),
      ['bfloat16', 'float32'],
    );
    // The student in float32 is none the wiser, and the other learns as much.
    assert.deepEqual(whole.students[1], float32.students[1]);
    const [rounded, exact] = [whole.students[0]!, float32.students[0]!];
    assert.equal(rounded.klBefore, exact.klBefore);
    assert.notEqual(rounded.klAfter, exact.klAfter);
    assert.ok(Math.abs(rounded.klAfter / exact.klAfter - 1) < 0.1, `${rounded.klAfter}, ${exact.klAfter}`);
  });

  it('is measured in time before it is chosen, and leaves no tensor behind', () => {
    assert.ok(found.speedup > 0 && Number.isFinite(found.speedup));
    assert.equal(found.left, 0);
  });
});

/** Loss and gradients of the step in float64, the factors and results of products rounded to bfloat16. */
function reference(): Step {
  const { tokens: n, width: d, hidden: h } = shape;
  const { x, target, weights } = stepInputs();
  const half = Math.SQRT1_2;
  const w1 = Array.from(weights.fc1Kernel, (value) => half * value);
  const w2 = Array.from(weights.fc2Kernel, (value) => half * value);
  const u = product(x, w1, [n, d, h]).map((value, at) => value + half * weights.fc1Bias[at % h]!);
  const value = u.map((z) => z * (1 + erf(z)));
  const slope = u.map((z) => 1 + erf(z) + (2 / Math.sqrt(Math.PI)) * z * Math.exp(-z * z));
  const y = product(value, w2, [n, h, d]);
  const error = y.map((out, at) => out + weights.fc2Bias[at % d]! - target[at]!);
  const du = product(error, transposed(w2, h, d), [n, d, h]).map((out, at) => out * slope[at]!);
  const gradient = (values: readonly number[], factor: number) => values.map((g) => (2 / n) * factor * g);
  return {
    loss: error.reduce((sum, e) => sum + e * e, 0) / n,
    gradients: [
      gradient(product(transposed(x, n, d), du, [d, n, h]), half),
      gradient(columnSums(du, h), half),
      gradient(product(transposed(value, n, h), error, [h, n, d]), half),
      gradient(columnSums(error, d), 1),
    ],
  };
}

type Numbers = ArrayLike<number>;

/** [rows, inner] x [inner, columns] */
function product(
  a: Numbers,
  b: Numbers,
  [rows, inner, columns]: readonly [number, number, number],
): number[] {
  const [left, right] = [Array.from(a, rounded), Array.from(b, rounded)];
  return Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += left[row * inner + k]! * right[k * columns + column]!;
    return rounded(sum);
  });
}

function transposed(a: Numbers, rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)]!);
}

function columnSums(a: readonly number[], columns: number): number[] {
  return Array.from({ length: columns }, (_, column) =>
    a.reduce((sum, value, at) => (at % columns === column ? sum + value : sum), 0),
  );
}

/** To 8 binary digits. */
function rounded(x: number): number {
  if (x === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
  return Math.round(x / unit) * unit;
}

/** Relative to `b`. */
function distance(a: readonly number[], b: readonly number[]): number {
  return norm(a.map((value, at) => value - b[at]!)) / norm(b);
}

function cosineOf(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0) / (norm(a) * norm(b));
}

function norm(a: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
}

/** Maclaurin series, exact to 1e-13 for the arguments here. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
