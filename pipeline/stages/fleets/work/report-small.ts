import { modelCosts } from '../../../model/costs.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { answersAmong, correctOf } from '../../../submodels/evaluation/answers-among.ts';
import { compare } from '../../../submodels/evaluation/compare.ts';
import { files, trainJob, type Baseline } from '../artefacts.ts';
import type { FleetReport } from '../report-file.ts';
import { trainingMinutes, type Judged } from './judge-submodel.ts';
import { readModel } from './model-file.ts';

export interface SmallModel {
  readonly report: FleetReport['small'][number];
  /** [N] */
  readonly answers: Int32Array;
  readonly correct: Uint8Array;
}

/** Models that know all classes, to compare a fleet with. One that failed is left out. */
export async function reportSmall(
  baselines: readonly { readonly name: string; readonly kind: Baseline }[],
  { labels, confidence, teacherCorrect, outputs }: Judged,
  context: JobContext,
  classes: readonly number[],
): Promise<SmallModel[]> {
  const small: SmallModel[] = [];
  for (const { name, kind } of baselines) {
    const path = context.optionalInput(trainJob(name), files.model);
    if (path === undefined) continue;
    const model = await readModel(path);
    const answers = answersAmong((await outputs(model)).logits, labels.length, classes);
    const correct = correctOf(answers, labels);
    const { sizeBytes, macs } = modelCosts(model.architecture);
    const report = {
      kind,
      ...compare(correct, teacherCorrect, confidence),
      sizeBytes,
      macs,
      trainMinutes: await trainingMinutes(name, context),
    };
    small.push({ report, answers, correct });
  }
  return small;
}
