import type { FfnWeights } from '../model/ffn-weights.ts';
import type { TrainedModel, TrainedStudent } from './distill-task.ts';
import type { TrainingRun } from './training-run.ts';

/** The better of refit and trained, by the KL of the whole; `best` null: it was never looked at. */
export function trainedStudent(
  refit: TrainedModel,
  index: number,
  best: { readonly step: number; readonly ffns: readonly FfnWeights[] } | null,
  { history, precisions }: Pick<TrainingRun, 'history' | 'precisions'>,
): TrainedStudent {
  const before = history[0]!;
  const after = history.find(({ step }) => step === (best?.step ?? 0)) ?? before;
  const [klBefore, klAfter] = [before.kl[index]!, after.kl[index]!];
  const [errorsBefore, errorsAfter] = [before.errors[index]!, after.errors[index]!];
  const isBetter = best !== null && klAfter < klBefore;
  return {
    id: refit.id,
    ffns: isBetter ? best.ffns : refit.ffns,
    kept: isBetter ? 'trained' : 'refit',
    klBefore,
    klAfter,
    errorsBefore,
    errorsAfter,
    gains: errorsBefore.map((error, block) =>
      error === errorsAfter[block]! ? 0 : 1 - errorsAfter[block]! / error,
    ),
    bestStep: after.step,
    precision: precisions[index]!,
  };
}
