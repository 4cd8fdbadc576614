import { sliceFfn } from '../model/ffn-weights.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { outputErrors, type OutputError } from './errors.ts';

/** A correctness check that stops a run when it fails (docs/design.md, gates). `why` is a clause with the numbers in it. */
export type GateResult =
  { readonly ok: true; readonly note?: string } | { readonly ok: false; readonly why: string };

/**
 * Squared error over centred output energy that reordering a float32 sum may cause. A sum of H products is off by about
 * sqrt(H) 6e-8 of its largest partial sums, so 1e-12 squared; outputs whose mean or partial sums exceed their spread a
 * hundredfold add 1e-4. One misplaced unit of 3072 costs about 1e-4.
 */
const ROUNDING = 1e-8;

/** The teacher with all of its units, sorted, must be the teacher. `tokens` [N, D]: block inputs. */
export function sortedTeacherGate(
  teacher: FfnWeights,
  units: ArrayLike<number>,
  tokens: Float32Array,
  gelu: Gelu,
): GateResult {
  if (!isPermutation(units, teacher.hidden)) {
    return { ok: false, why: `the order is not a permutation of ${teacher.hidden} hidden units` };
  }
  const { relative } = outputErrors(teacher, [sliceFfn(teacher, units)], tokens, gelu)[0]!;
  if (relative <= ROUNDING) return { ok: true };
  return { ok: false, why: differs('the block with its hidden units sorted', 'the block', relative) };
}

/** The first `width` units cut out must act like the whole block with the other units switched off. */
export function prefixGate(
  teacher: FfnWeights,
  units: ArrayLike<number>,
  width: number,
  tokens: Float32Array,
  gelu: Gelu,
): GateResult {
  const kept = Array.from({ length: width }, (_, i) => units[i]!);
  const fc2Kernel = new Float32Array(teacher.fc2Kernel.length);
  for (const unit of kept) {
    const [from, to] = [unit * teacher.width, (unit + 1) * teacher.width];
    fc2Kernel.set(teacher.fc2Kernel.subarray(from, to), from);
  }
  const { relative } = outputErrors({ ...teacher, fc2Kernel }, [sliceFfn(teacher, kept)], tokens, gelu)[0]!;
  if (relative <= ROUNDING) return { ok: true };
  return { ok: false, why: differs(`the slice of ${width} hidden units`, 'the masked block', relative) };
}

function isPermutation(units: ArrayLike<number>, hidden: number): boolean {
  const seen = new Set(Array.from({ length: units.length }, (_, i) => units[i]!));
  return (
    units.length === hidden && seen.size === hidden && [...seen].every((unit) => unit >= 0 && unit < hidden)
  );
}

function differs(one: string, other: string, relative: number): string {
  return `${one} differs from ${other}: relative squared error ${relative.toExponential(1)}, at most ${ROUNDING.toExponential(0)} is rounding`;
}

export interface RefitGateInput {
  /** `relativePredictedError` of the refit. */
  readonly predicted: number;
  /** The same descendant's error on held-out tokens of the same distribution. */
  readonly measured: OutputError;
  /** H', the kept hidden units, of H. */
  readonly width: number;
  readonly hidden: number;
  /** Calibration tokens behind the statistics. */
  readonly tokens: number;
}

/**
 * How many tokens carry the information of one independent sample. Tokens of an image resemble each other, and the units
 * were chosen on the same tokens. On a real ViT-Tiny (blocks 0, 5, 9, 11; 20 to 900 images of 64 tokens; 12 to 60 % of
 * the units kept) the ratio of held-out to predicted error followed `(n + c p) / (n - c p)`, p = sqrt(H' H), with c between
 * 1.6 and 3.5; 6 leaves room for data whose tokens are more alike.
 */
const TOKENS_PER_SAMPLE = 6;
/** Beyond this ratio the calibration set is too small for the prediction to say anything. */
const LARGEST_OPTIMISM = 3;
/** Standard errors of the measurement that are allowed on top. */
const STANDARD_ERRORS = 4;
/** A measurement this far below the prediction compared the teacher with itself, or the wrong widths. */
const SMALLEST_SHARE = 0.1;
/** Relative squared error that float32 weights and sums may cause. */
const REFIT_ROUNDING = 1e-6;

/**
 * The refit's measured error must agree with its prediction (docs/design.md, gates). A least-squares fit with p parameters on n samples
 * is expected to err (n + p) / (n - p) times as much on fresh samples as on its own (both are off by p / n, in opposite
 * directions). On top come four standard errors of the measurement, enlarged because the prediction is a finite sample's
 * as well. A unit out of place or a transposed matrix multiplies the error several times over and fails; a small but honest
 * calibration set does not: where it cannot decide, the gate passes and its note says so.
 */
export function refitGate({ predicted, measured, width, hidden, tokens }: RefitGateInput): GateResult {
  const { relative, standardError } = measured;
  if (!Number.isFinite(predicted) || !Number.isFinite(relative)) {
    return {
      ok: false,
      why: `width ${width}: predicted error ${predicted}, measured ${relative}: not finite`,
    };
  }
  const parameters = TOKENS_PER_SAMPLE * Math.sqrt(width * hidden);
  const optimism = parameters < tokens ? (tokens + parameters) / (tokens - parameters) : Infinity;
  const shown = `predicted ${predicted.toPrecision(3)}, measured ${relative.toPrecision(3)} +- ${standardError.toPrecision(2)} on ${measured.tokens} held-out tokens`;
  if (optimism > LARGEST_OPTIMISM || !Number.isFinite(standardError)) {
    const needed = Math.ceil((parameters * (LARGEST_OPTIMISM + 1)) / (LARGEST_OPTIMISM - 1));
    return {
      ok: true,
      note: `width ${width}: not checked, ${tokens} calibration tokens are too few (at least ${needed}, and two held-out images): ${shown}`,
    };
  }
  const noise = STANDARD_ERRORS * standardError * Math.sqrt(1 + measured.tokens / tokens);
  const most = predicted * optimism + noise + REFIT_ROUNDING;
  const least = predicted * SMALLEST_SHARE - noise - REFIT_ROUNDING;
  if (relative <= most && relative >= least) return { ok: true };
  return {
    ok: false,
    why: `width ${width}: relative output error ${shown}; expected ${Math.max(0, least).toPrecision(3)} to ${most.toPrecision(3)} after ${tokens} calibration tokens`,
  };
}
