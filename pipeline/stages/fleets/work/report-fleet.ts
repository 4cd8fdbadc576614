import { modelCosts } from '../../../model/costs.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { compareMean } from '../../../submodels/evaluation/compare-mean.ts';
import { compare, top1 } from '../../../submodels/evaluation/compare.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import { fuseAll } from '../../../submodels/fusion/fuse-all.ts';
import type { FusionResult } from '../../../submodels/fusion/train-fusion.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import {
  files,
  fuseJob,
  partitionJob,
  profileJob,
  trainJob,
  type Baseline,
  type Finished,
} from '../artefacts.ts';
import type { DeviceReport, FleetReport, SubmodelReport } from '../report-file.ts';
import { readFusion } from './fusion-file.ts';
import { judgeSubmodel, trainingMinutes, type Judged, type JudgedSubmodel } from './judge-submodel.ts';
import { readModel } from './model-file.ts';
import type { PartitionFile } from './partition.ts';
import type { LatencyFile } from './profile.ts';

export type ReportedFleet = {
  readonly name: string;
  readonly submodels: readonly {
    readonly name: string;
    readonly device: string;
    readonly finished: Finished;
  }[];
  readonly baselines: readonly { readonly name: string; readonly kind: Baseline }[];
};

/** What a fleet is worth on the test images; each model looks at them once. */
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
    submodels.push(
      await judgeSubmodel({ ...place, classes: partition.subsets[index]! }, latency, judged, context),
    );
  }
  const head = await readFusion(context.input(fuseJob(fleet.name), files.fusion));
  const { chosen } = await readJson<FusionResult['report']>(
    context.input(fuseJob(fleet.name), files.fusionReport),
  );
  const all = indices(partition.subsets.flat().length);
  const fusedWithout = (device?: string): Uint8Array => {
    const features = submodels.map(({ report, features: own }) =>
      report.device === device ? undefined : own,
    );
    return correctAmong(fuseAll(head, features, labels.length), labels, all);
  };
  const names = [...new Set(fleet.submodels.map(({ device }) => device))];
  const reports = submodels.map(({ report }) => report);
  const lost = names.length === 1 ? [] : names.map(fusedWithout);
  const devices = names.map((name, index) =>
    deviceReport(name, reports, lost[index] && compare(lost[index], teacherCorrect, confidence)),
  );
  return {
    name: fleet.name,
    partition: { by: partition.by, confusionInside: partition.confusionInside },
    devices,
    submodels: reports,
    alone: aloneOf(submodels, labels.length, confidence),
    fused: compare(fusedWithout(), teacherCorrect, confidence),
    ...(lost.length > 0 && {
      lost: { mean: compareMean(lost, teacherCorrect, confidence), worst: worstOf(devices, all.length) },
    }),
    head: chosen,
    small: await smallModels(fleet, judged, context, all),
    ...largestOf(devices),
    teacherP50Ms: latency.teacher?.p50 ?? null,
    trainMinutes: sum(reports.map((one) => one.trainMinutes)),
  };
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

/** Models that know all classes. One that failed is left out. */
async function smallModels(
  { baselines }: ReportedFleet,
  { labels, confidence, teacherCorrect, outputs }: Judged,
  context: JobContext,
  classes: readonly number[],
): Promise<FleetReport['small']> {
  const small: FleetReport['small'][number][] = [];
  for (const { name, kind } of baselines) {
    const path = context.optionalInput(trainJob(name), files.model);
    if (path === undefined) continue;
    const model = await readModel(path);
    const correct = correctAmong((await outputs(model)).logits, labels, classes);
    const { sizeBytes, macs } = modelCosts(model.architecture);
    small.push({
      kind,
      ...compare(correct, teacherCorrect, confidence),
      sizeBytes,
      macs,
      trainMinutes: await trainingMinutes(name, context),
    });
  }
  return small;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
