import type { JobContext } from '../../../runner/contract.ts';
import { answersAmong, correctOf } from '../../../submodels/evaluation/answers-among.ts';
import { compareMean } from '../../../submodels/evaluation/compare-mean.ts';
import { compare, top1 } from '../../../submodels/evaluation/compare.ts';
import { fuseAll } from '../../../submodels/fusion/fuse-all.ts';
import type { FusionResult } from '../../../submodels/fusion/train-fusion.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { answerNames } from '../answer-names.ts';
import {
  ensembleJob,
  files,
  fuseJob,
  partitionJob,
  profileJob,
  type Baseline,
  type Finished,
} from '../artefacts.ts';
import { energyOf, type EnergyRates } from '../energy.ts';
import type { DeviceReport, DevitReport, FleetReport, Origin, SubmodelReport } from '../report-file.ts';
import { readFusion } from './fusion-file.ts';
import { judgeSubmodel, type Judged, type JudgedSubmodel } from './judge-submodel.ts';
import type { PartitionFile } from './partition.ts';
import type { LatencyFile } from './profile.ts';
import { reportSmall } from './report-small.ts';
import { reportTogether } from './report-together.ts';

export type ReportedFleet = {
  readonly name: string;
  readonly submodels: readonly {
    readonly name: string;
    readonly device: string;
    readonly finished: Finished;
    readonly origin: Origin | null;
    readonly taught: boolean;
  }[];
  /** Whether sub-models were trained together. */
  readonly joint: boolean;
  /** Joules of a device's own multiply-add, by its name. */
  readonly perMacJ: Readonly<Record<string, number>>;
  readonly baselines: readonly { readonly name: string; readonly kind: Baseline }[];
};

/** Of the method `devit` beside what every method tells. */
export interface DevitFacts {
  readonly energy: EnergyRates;
  readonly teacherMacs: number;
  /** Of a prepared image. */
  readonly imageBytes: number;
}

export interface ReportedOf {
  readonly report: FleetReport;
  /** By the names of `answerNames`: what its models said of every image. */
  readonly answers: readonly (readonly [name: string, answers: Int32Array])[];
}

/** What a fleet is worth on the test images; each model looks at them once. */
export async function reportFleet(
  fleet: ReportedFleet,
  judged: Judged,
  facts: DevitFacts | undefined,
  context: JobContext,
): Promise<ReportedOf> {
  const { labels, confidence, teacherCorrect } = judged;
  const partition = await readJson<PartitionFile>(context.input(partitionJob(fleet.name), files.partition));
  const latency = await readJson<LatencyFile>(context.input(profileJob(fleet.name), files.latency));
  const submodels: JudgedSubmodel[] = [];
  for (const [index, place] of fleet.submodels.entries()) {
    submodels.push(
      await judgeSubmodel({ ...place, classes: partition.subsets[index]! }, latency, judged, context),
    );
  }
  const head = await readFusion(context.input(fuseJob(fleet.name), files.fusion));
  const { chosen } = await readJson<FusionResult['report']>(
    context.input(fuseJob(fleet.name), files.fusionReport),
  );
  const all = indices(partition.subsets.flat().length);
  const logitsWithout = (device?: string): Float32Array => {
    const features = submodels.map(({ report, features: own }) =>
      report.device === device ? undefined : own,
    );
    return fuseAll(head, features, labels.length);
  };
  const answersOf = (logits: Float32Array) => answersAmong(logits, labels.length, all);
  const fusedLogits = logitsWithout();
  const fused = answersOf(fusedLogits);
  const fusedCorrect = correctOf(fused, labels);
  const names = [...new Set(fleet.submodels.map(({ device }) => device))];
  const reports = submodels.map(({ report }) => report);
  const without = names.length === 1 ? [] : names.map((device) => answersOf(logitsWithout(device)));
  const lost = without.map((answers) => correctOf(answers, labels));
  const devices = names.map((name, index) =>
    deviceReport(name, reports, lost[index] && compare(lost[index], teacherCorrect, confidence)),
  );
  const small = await reportSmall(fleet.baselines, judged, context, all);
  const report: FleetReport = {
    name: fleet.name,
    partition: { by: partition.by, confusionInside: partition.confusionInside },
    devices,
    submodels: reports,
    alone: aloneOf(submodels, labels.length, confidence),
    fused: compare(fusedCorrect, teacherCorrect, confidence),
    ...(lost.length > 0 && {
      lost: { mean: compareMean(lost, teacherCorrect, confidence), worst: worstOf(devices, all.length) },
    }),
    head: chosen,
    small: small.map(({ report }) => report),
    ...largestOf(devices),
    teacherP50Ms: latency.teacher?.p50 ?? null,
    trainMinutes: sum(reports.map((one) => one.trainMinutes)),
    ...(facts && {
      devit: {
        together: reportTogether({
          submodels,
          fusedLogits,
          labels,
          fusedCorrect,
          small: small.map(({ report: { kind }, correct }) => ({ kind, correct })),
          confidence,
        }),
        ...(await burdenOf(fleet, devices, facts, context)),
      },
    }),
  };
  return {
    report,
    answers: [
      [answerNames.fused(fleet.name), fused],
      ...without.map((answers, index) => [answerNames.without(fleet.name, names[index]!), answers] as const),
      [answerNames.cut(fleet.name), gather(submodels, 'startAnswers', labels.length)],
      [answerNames.retrained(fleet.name), gather(submodels, 'trainedAnswers', labels.length)],
      ...small.map(
        ({ report: { kind }, answers }) => [answerNames.small(fleet.name, kind), answers] as const,
      ),
    ],
  };
}

/** Every image by the sub-model of its class. */
function gather(
  submodels: readonly JudgedSubmodel[],
  part: 'startAnswers' | 'trainedAnswers',
  images: number,
): Int32Array {
  const all = new Int32Array(images).fill(-1);
  for (const one of submodels) one.rows.forEach((row, index) => (all[row] = one[part][index]!));
  return all;
}

/** What goes over the wire, what it takes, and what training together was worth. */
async function burdenOf(
  { name, joint, perMacJ }: ReportedFleet,
  devices: readonly DeviceReport[],
  { energy, teacherMacs, imageBytes }: DevitFacts,
  context: JobContext,
): Promise<Omit<DevitReport, 'together'>> {
  const loads = devices.map(({ name: device, macs, bytesUp }) => ({
    macs,
    bytes: imageBytes + bytesUp,
    perMacJ: perMacJ[device],
  }));
  const burden = {
    energy: energyOf(loads, teacherMacs, energy),
    bytesDown: devices.length * imageBytes,
    bytesUp: sum(devices.map(({ bytesUp }) => bytesUp)),
  };
  if (!joint) return burden;
  const { start, best, seconds } = await readJson<JointHistory>(
    context.input(ensembleJob(name), files.history),
  );
  return {
    ...burden,
    joint: { start: start.top1, best: best.top1, startKept: best.step === 0, minutes: seconds / 60 },
  };
}

/** What is read of it. */
interface JointHistory {
  readonly start: { readonly top1: number };
  readonly best: { readonly top1: number; readonly step: number };
  readonly seconds: number;
}

function deviceReport(
  name: string,
  all: readonly SubmodelReport[],
  lost: DeviceReport['lost'],
): DeviceReport {
  const own = all.filter(({ device }) => device === name);
  const times = own.flatMap(({ p50Ms }) => (p50Ms === null ? [] : [p50Ms]));
  return {
    name,
    models: own.map((one) => one.name),
    classes: sum(own.map(({ classes }) => classes.length)),
    sizeBytes: sum(own.map(({ sizeBytes }) => sizeBytes)),
    macs: sum(own.map(({ macs }) => macs)),
    bytesUp: sum(own.map(({ featureWidth }) => 4 * featureWidth)),
    p50Ms: times.length < own.length ? null : sum(times),
    ...(lost && { lost }),
  };
}

/** The sizes of the largest device and the time of the slowest. */
function largestOf(devices: readonly DeviceReport[]): Pick<FleetReport, 'largest' | 'p50Ms'> {
  const { sizeBytes, macs } = devices.reduce((most, one) => (one.sizeBytes > most.sizeBytes ? one : most));
  const times = devices.flatMap(({ p50Ms }) => (p50Ms === null ? [] : [p50Ms]));
  return { largest: { sizeBytes, macs }, p50Ms: times.length < devices.length ? null : Math.max(...times) };
}

type Worst = NonNullable<FleetReport['lost']>['worst'];

function worstOf(devices: readonly DeviceReport[], classes: number): Worst {
  const all = devices.flatMap(({ name, lost, classes: own }): Worst[] =>
    lost === undefined ? [] : [{ ...lost, device: name, classesPercent: (100 * own) / classes }],
  );
  return all.reduce((least, one) => (one.top1Percent.mean < least.top1Percent.mean ? one : least));
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
