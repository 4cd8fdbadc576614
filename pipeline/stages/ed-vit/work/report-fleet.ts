import type { Costs } from '../../../model/costs.ts';
import { modelCosts } from '../../../model/costs.ts';
import { withSafetensors, type NamedArrays } from '../../../model/safetensors.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { bounds } from '../../../measure/interval.ts';
import { pairedMeanPp } from '../../../measure/paired-mean.ts';
import { compare, top1, type Compared } from '../../../submodels/evaluation/compare.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import { fuseAll } from '../../../submodels/fusion/fuse.ts';
import { fusionFromArrays } from '../../../submodels/fusion/fusion-arrays.ts';
import type { FusionResult } from '../../../submodels/fusion/train-fusion.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { files, fuseJob, partitionJob, profileJob, sliceJob, trainJob } from '../artefacts.ts';
import type { DeviceReport, FleetReport, SubmodelReport } from '../report-file.ts';
import { readModel, type RunModel } from './model-file.ts';
import type { ModelOutputs } from './model-outputs.ts';
import type { PartitionFile } from './partition.ts';
import type { LatencyFile } from './profile.ts';
import type { ReportedFleet } from './report.ts';
import type { TrainingHistory } from './train.ts';

/** The test images, and how models are asked about them. */
export interface Judged {
  /** [N] */
  readonly labels: Int32Array;
  readonly confidence: number;
  readonly teacherCosts: Costs;
  /** [N]: 1 where the teacher is right among the data's classes, and among all of its own. */
  readonly teacherCorrect: Uint8Array;
  readonly unrestrictedCorrect: Uint8Array;
  /** The teacher on some of the images, among some of the classes. */
  readonly teacherAmong: (rows: readonly number[], classes: readonly number[]) => Uint8Array;
  /** What a model says of some of the images, default all. */
  readonly outputs: (model: RunModel, rows?: readonly number[]) => Promise<ModelOutputs>;
}

/** One sub-model, and where it is right. */
interface JudgedSubmodel {
  readonly report: SubmodelReport;
  /** Images of its classes, and 1 where each is right of them. */
  readonly rows: readonly number[];
  readonly teacher: Uint8Array;
  readonly start: Uint8Array;
  readonly trained: Uint8Array;
  /** Of all images. */
  readonly features: Float32Array;
}

/** What a fleet is worth on the test images, each model looked at once. */
export async function reportFleet(
  fleet: ReportedFleet,
  judged: Judged,
  context: JobContext,
): Promise<FleetReport> {
  const { labels, confidence, teacherCorrect } = judged;
  const partition = await readJson<PartitionFile>(context.input(partitionJob(fleet.name), files.partition));
  const latency = await readJson<LatencyFile>(context.input(profileJob(fleet.name), files.latency));
  const submodels: JudgedSubmodel[] = [];
  for (const [index, place] of fleet.submodels.entries()) {
    submodels.push(await judgeSubmodel(place, partition.subsets[index]!, latency, judged, context));
  }
  const head = await withSafetensors(context.input(fuseJob(fleet.name), files.fusion), async (file) => {
    const tensors: NamedArrays = {};
    for (const name of file.names)
      tensors[name] = { shape: file.info(name).shape, data: await file.readTyped(name) };
    return fusionFromArrays({ tensors, metadata: file.metadata }, file.path);
  });
  const { chosen } = await readJson<FusionResult['report']>(
    context.input(fuseJob(fleet.name), files.fusionReport),
  );
  const all = indices(partition.subsets.flat().length);
  const fusedWithout = (device?: string): Uint8Array => {
    const features = submodels.map(({ report, features }) =>
      report.device === device ? undefined : features,
    );
    return correctAmong(fuseAll(head, features, labels.length), labels, all);
  };
  const devices = [...new Set(fleet.submodels.map(({ device }) => device))].map((name) => {
    const own = submodels.flatMap(({ report }) => (report.device === name ? [report] : []));
    return { name, own, lost: undefined as Uint8Array | undefined };
  });
  if (devices.length > 1) for (const one of devices) one.lost = fusedWithout(one.name);
  const reported = devices.map(({ name, own, lost }): DeviceReport => {
    const times = own.map(({ p50Ms }) => p50Ms);
    return {
      name,
      models: own.map((one) => one.name),
      classes: own.reduce((sum, { classes }) => sum + classes.length, 0),
      sizeBytes: own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      macs: own.reduce((sum, { macs }) => sum + macs, 0),
      bytesUp: own.reduce((sum, { featureWidth }) => sum + 4 * featureWidth, 0),
      p50Ms: times.includes(null) ? null : times.reduce<number>((sum, time) => sum + (time ?? 0), 0),
      ...(lost && { lost: compare(lost, teacherCorrect, confidence) }),
    };
  });
  const largest = reported.reduce((most, one) => (one.sizeBytes > most.sizeBytes ? one : most));
  const times = reported.map(({ p50Ms }) => p50Ms);
  const small: FleetReport['small'][number][] = [];
  for (const { name, kind } of fleet.baselines) {
    const path = context.optionalInput(trainJob(name), files.model);
    if (path === undefined) continue;
    const model = await readModel(path);
    const { logits } = await judged.outputs(model);
    const { sizeBytes, macs } = modelCosts(model.architecture);
    const correct = correctAmong(logits, labels, all);
    const compared = compare(correct, teacherCorrect, confidence);
    small.push({ ...compared, kind, sizeBytes, macs, trainMinutes: await minutesOf(name, context) });
  }
  return {
    name: fleet.name,
    partition: { by: partition.by, confusionInside: partition.confusionInside },
    devices: reported,
    submodels: submodels.map(({ report }) => report),
    alone: aloneOf(submodels, labels.length, confidence),
    fused: compare(fusedWithout(), teacherCorrect, confidence),
    ...(devices.length > 1 && {
      lost: lostOf(
        reported,
        devices.map(({ lost }) => lost!),
        all.length,
        judged,
      ),
    }),
    head: chosen,
    small,
    largest: { sizeBytes: largest.sizeBytes, macs: largest.macs },
    p50Ms: times.includes(null) ? null : Math.max(...times.map((time) => time ?? 0)),
    teacherP50Ms: latency.teacher?.p50 ?? null,
    trainMinutes: submodels.reduce((sum, { report }) => sum + report.trainMinutes, 0),
  };
}

async function judgeSubmodel(
  { name, device }: ReportedFleet['submodels'][number],
  classes: readonly number[],
  latency: LatencyFile,
  judged: Judged,
  context: JobContext,
): Promise<JudgedSubmodel> {
  const { labels, confidence } = judged;
  const own = new Set(classes);
  const rows = [...labels.keys()].filter((row) => own.has(labels[row]!));
  const ownLabels = rows.map((row) => labels[row]!);
  const cut = await judged.outputs(await readModel(context.input(sliceJob(name), files.model)), rows);
  const model = await readModel(context.input(trainJob(name), files.model));
  const all = await judged.outputs(model);
  const outputs = all.logits.length / all.count;
  const ownLogits = new Float32Array(rows.length * outputs);
  rows.forEach((row, index) =>
    ownLogits.set(all.logits.subarray(row * outputs, (row + 1) * outputs), index * outputs),
  );
  const teacher = judged.teacherAmong(rows, classes);
  const start = correctAmong(cut.logits, ownLabels, classes);
  const trained = correctAmong(ownLogits, ownLabels, classes);
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
      featureWidth: all.features.length / all.count,
      trainMinutes: await minutesOf(name, context),
      p50Ms: latency.submodels[name]?.p50 ?? null,
    },
    rows,
    teacher,
    start,
    trained,
    features: all.features,
  };
}

async function minutesOf(name: string, context: JobContext): Promise<number> {
  const history = await readJson<TrainingHistory | null>(context.input(trainJob(name), files.history));
  return (history?.seconds ?? 0) / 60;
}

/** Every image by the sub-model of its class. */
function aloneOf(
  submodels: readonly JudgedSubmodel[],
  images: number,
  confidence: number,
): FleetReport['alone'] {
  const gather = (part: 'teacher' | 'start' | 'trained'): Uint8Array => {
    const all = new Uint8Array(images);
    for (const one of submodels) one.rows.forEach((row, index) => (all[row] = one[part][index]!));
    return all;
  };
  const teacher = gather('teacher');
  return {
    teacherPercent: top1(teacher, confidence),
    start: compare(gather('start'), teacher, confidence),
    trained: compare(gather('trained'), teacher, confidence),
  };
}

/** Every device lost in turn: the mean over them, and the worst. */
function lostOf(
  devices: readonly DeviceReport[],
  lost: readonly Uint8Array[],
  classes: number,
  { teacherCorrect, confidence }: Judged,
): FleetReport['lost'] {
  const nothing = new Uint8Array(teacherCorrect.length);
  const mean: Compared = {
    images: teacherCorrect.length,
    top1Percent: bounds(
      pairedMeanPp(
        lost.map((model) => ({ model, reference: nothing })),
        confidence,
      ),
    ),
    againstPp: bounds(
      pairedMeanPp(
        lost.map((model) => ({ model, reference: teacherCorrect })),
        confidence,
      ),
    ),
  };
  const worst = devices.reduce((least, one) =>
    one.lost!.top1Percent.mean < least.lost!.top1Percent.mean ? one : least,
  );
  return {
    mean,
    worst: { ...worst.lost!, device: worst.name, classesPercent: (100 * worst.classes) / classes },
  };
}
