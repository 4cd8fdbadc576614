import { modelCosts } from '../../../model/costs.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { compare, top1 } from '../../../submodels/evaluation/compare.ts';
import { answersAmong, correctOf } from '../../../submodels/evaluation/answers-among.ts';
import { readJson } from '../../../util/atomic.ts';
import { files, sliceJob, teachJob, trainJob, type Finished } from '../artefacts.ts';
import type { Origin, SubmodelReport, TeachReport } from '../report-file.ts';
import { readModel, type RunModel } from './model-file.ts';
import { rowsOf, type ModelOutputs } from './model-outputs.ts';
import type { LatencyFile } from './profile.ts';
import type { TrainingHistory } from './train.ts';

/** The test images, and how models are asked about them. */
export interface Judged {
  /** [N] */
  readonly labels: Int32Array;
  readonly confidence: number;
  /** [N]: what the teacher says among the data's classes; 1 where that is right. */
  readonly teacherAnswers: Int32Array;
  readonly teacherCorrect: Uint8Array;
  /** The same among all classes of its own; absent where it has no others. */
  readonly unrestrictedCorrect?: Uint8Array | undefined;
  /** The teacher on some of the images, among some of the classes. */
  readonly teacherAmong: (rows: readonly number[], classes: readonly number[]) => Uint8Array;
  /** What a model says of some of the images, default all. */
  readonly outputs: (model: RunModel, rows?: readonly number[]) => Promise<ModelOutputs>;
}

/** One sub-model, and where it is right. */
export interface JudgedSubmodel {
  readonly report: SubmodelReport;
  /** Places of the images of its classes; 1 where each is right of them. */
  readonly rows: readonly number[];
  readonly teacher: Uint8Array;
  readonly start: Uint8Array;
  readonly trained: Uint8Array;
  /** What it says of each of them, as it was cut and retrained. */
  readonly startAnswers: Int32Array;
  readonly trainedAnswers: Int32Array;
  /** [N, D'], of all images. */
  readonly features: Float32Array;
}

/** A sub-model as it was cut and as it was retrained, on the test images of its own classes, beside the teacher among these. */
export async function judgeSubmodel(
  {
    name,
    device,
    classes,
    finished,
    origin,
    taught,
  }: Pick<SubmodelReport, 'name' | 'device' | 'classes'> & {
    readonly finished: Finished;
    readonly origin: Origin | null;
    readonly taught: boolean;
  },
  latency: LatencyFile,
  judged: Judged,
  context: JobContext,
): Promise<JudgedSubmodel> {
  const { labels, confidence } = judged;
  const own = new Set(classes);
  const rows = [...labels.keys()].filter((row) => own.has(labels[row]!));
  const ownLabels = rows.map((row) => labels[row]!);
  const cut = await judged.outputs(await readModel(context.input(sliceJob(name), files.model)), rows);
  const model = await readModel(context.input(finished.job, finished.model));
  const outputs = await judged.outputs(model);
  const teacher = judged.teacherAmong(rows, classes);
  const startAnswers = answersAmong(cut.logits, rows.length, classes);
  const trainedAnswers = answersAmong(rowsOf(outputs.logits, outputs.count, rows), rows.length, classes);
  const start = correctOf(startAnswers, ownLabels);
  const trained = correctOf(trainedAnswers, ownLabels);
  const { sizeBytes, macs } = modelCosts(model.architecture);
  return {
    report: {
      name,
      device,
      classes,
      sizeBytes,
      macs,
      teacherPercent: top1(teacher, confidence),
      start: compare(start, teacher, confidence),
      trained: compare(trained, teacher, confidence),
      featureWidth: outputs.features.length / outputs.count,
      trainMinutes: await trainingMinutes(name, context),
      p50Ms: latency.submodels[name]?.p50 ?? null,
      ...(origin !== null && { origin }),
      ...(taught && { teach: await readJson<TeachReport>(context.input(teachJob(name), files.teachReport)) }),
    },
    rows,
    teacher,
    start,
    trained,
    startAnswers,
    trainedAnswers,
    features: outputs.features,
  };
}

export async function trainingMinutes(name: string, context: JobContext): Promise<number> {
  const history = await readJson<TrainingHistory | null>(context.input(trainJob(name), files.history));
  return (history?.seconds ?? 0) / 60;
}
