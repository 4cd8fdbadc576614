import { outputErrors, type OutputError } from '../compress/errors.ts';
import type { FittedFfn } from '../compress/refit.ts';
import type { BlockStatistics } from '../compress/statistics.ts';
import { effectiveShare, type TokenWeights } from '../compress/token-weights.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { fitWidths, type FitOptions } from './fit-widths.ts';

export interface TeacherFit {
  readonly teacher: FfnWeights;
  /** Of the teacher's hidden units on its own inputs. */
  readonly statistics: BlockStatistics;
  readonly units: Int32Array;
  readonly widths: readonly number[];
  readonly fit: FitOptions;
  /** Inputs [N, D] that the statistics have not seen, `sampled` of each image. */
  readonly heldOut: Float32Array;
  readonly sampled: number;
  readonly weights: TokenWeights;
  readonly gelu: Gelu;
}

/** Fits all widths of one block to the teacher's own outputs: blocks are independent of each other, and no image is looked at. */
export function fitOnTeacher({
  teacher,
  statistics,
  units,
  widths,
  fit,
  heldOut,
  sampled,
  weights,
  gelu,
}: TeacherFit): {
  readonly levels: readonly {
    readonly weights: FfnWeights;
    readonly fitted: FittedFfn;
    readonly heldOut: OutputError;
  }[];
  /** Tokens that carry the information of the fit. */
  readonly tokens: number;
} {
  const fitted = fitWidths(teacher, { statistics }, units, widths, fit);
  const students = fitted.map((descendant) => descendant.weights);
  const errors = outputErrors(teacher, students, heldOut, gelu, { tokensPerImage: sampled, weights });
  return {
    levels: fitted.map((one, index) => ({ weights: one.weights, fitted: one, heldOut: errors[index]! })),
    tokens: Math.round(statistics.count * effectiveShare(weights, sampled)),
  };
}
