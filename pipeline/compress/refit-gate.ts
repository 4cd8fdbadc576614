import type { GateResult } from './gates.ts';
import type { OutputError } from './errors.ts';

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
const ROUNDING = 1e-6;

/**
 * The refit's measured error must agree with its prediction (DESIGN 4.2). A least-squares fit with p parameters on n samples
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
  const most = predicted * optimism + noise + ROUNDING;
  const least = predicted * SMALLEST_SHARE - noise - ROUNDING;
  if (relative <= most && relative >= least) return { ok: true };
  return {
    ok: false,
    why: `width ${width}: relative output error ${shown}; expected ${Math.max(0, least).toPrecision(3)} to ${most.toPrecision(3)} after ${tokens} calibration tokens`,
  };
}
