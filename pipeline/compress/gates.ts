import { sliceFfn } from '../model/ffn-weights.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { outputErrors } from './errors.ts';

/** A correctness check that stops a run when it fails (DESIGN section 5). `why` is a clause with the numbers in it. */
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
  const [{ relative }] = outputErrors(teacher, [sliceFfn(teacher, units)], tokens, gelu);
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
  const kept = Array.from({ length: width }, (_, i) => units[i]);
  const fc2Kernel = new Float32Array(teacher.fc2Kernel.length);
  for (const unit of kept) {
    const [from, to] = [unit * teacher.width, (unit + 1) * teacher.width];
    fc2Kernel.set(teacher.fc2Kernel.subarray(from, to), from);
  }
  const [{ relative }] = outputErrors({ ...teacher, fc2Kernel }, [sliceFfn(teacher, kept)], tokens, gelu);
  if (relative <= ROUNDING) return { ok: true };
  return { ok: false, why: differs(`the slice of ${width} hidden units`, 'the masked block', relative) };
}

function isPermutation(units: ArrayLike<number>, hidden: number): boolean {
  const seen = new Set(Array.from({ length: units.length }, (_, i) => units[i]));
  return (
    units.length === hidden && seen.size === hidden && [...seen].every((unit) => unit >= 0 && unit < hidden)
  );
}

function differs(one: string, other: string, relative: number): string {
  return `${one} differs from ${other}: relative squared error ${relative.toExponential(1)}, at most ${ROUNDING.toExponential(0)} is rounding`;
}
