import { compare, top1 } from '../../../submodels/evaluation/compare.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import type { Baseline } from '../artefacts.ts';
import type { TogetherReport } from '../report-file.ts';
import type { JudgedSubmodel } from './judge-submodel.ts';
import { rowsOf } from './model-outputs.ts';

export interface Together {
  readonly submodels: readonly JudgedSubmodel[];
  /** [N, K] of the ensemble. */
  readonly fusedLogits: Float32Array;
  /** [N] */
  readonly labels: Int32Array;
  /** [N]: 1 where the ensemble is right among all classes; the same of each single model. */
  readonly fusedCorrect: Uint8Array;
  readonly small: readonly { readonly kind: Baseline; readonly correct: Uint8Array }[];
  readonly confidence: number;
}

/**
 * The ensemble beside each of its sub-models. A sub-model that cannot answer with foreign classes has an easier question than the
 * ensemble: so both are asked among the sub-model's classes, of the same images.
 */
export function reportTogether(together: Together): TogetherReport {
  const { submodels, fusedLogits, labels, fusedCorrect, small, confidence } = together;
  const alone = new Uint8Array(labels.length);
  const fused = new Uint8Array(labels.length);
  const each = submodels.map(({ report: { name, classes }, rows, trained }) => {
    const own = rows.map((row) => labels[row]!);
    const correct = correctAmong(rowsOf(fusedLogits, labels.length, rows), own, classes, classes);
    rows.forEach((row, index) => {
      alone[row] = trained[index]!;
      fused[row] = correct[index]!;
    });
    return {
      name,
      images: rows.length,
      alonePercent: top1(trained, confidence),
      fused: compare(correct, trained, confidence),
    };
  });
  return {
    submodels: each,
    mean: { alonePercent: top1(alone, confidence), fused: compare(fused, alone, confidence) },
    small: small.map(({ kind, correct }) => ({ kind, fused: compare(fusedCorrect, correct, confidence) })),
  };
}
