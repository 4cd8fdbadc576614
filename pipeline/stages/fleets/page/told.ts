import { answerNames } from '../answer-names.ts';
import type { Baseline } from '../artefacts.ts';
import type { DeviceReport, FleetReport } from '../report-file.ts';
import type { FleetsRun } from './read-run.ts';
import { pairedOn, type Paired } from './right-of.ts';

/** What sections are told of. */
export interface Told {
  readonly run: FleetsRun;
  /** What people call a class of the data. */
  readonly classOf: (place: number) => string;
  /** "95 %" */
  readonly confidence: string;
  /** "5-devices: " where there are several fleets to tell apart. */
  readonly prefix: (fleet: FleetReport) => string;
  /** Two models by their names in the answers; undefined without answers, or images of these classes. */
  readonly paired: (model: string, reference: string, among?: ReadonlySet<number>) => Paired | undefined;
}

export function tell(run: FleetsRun): Told {
  const { report, answers } = run;
  return {
    run,
    classOf: (place) => report.classes[place] ?? `class ${place}`,
    confidence: `${Math.round(100 * report.confidence)} %`,
    prefix: ({ name }) => (report.fleets.length > 1 ? `${name}: ` : ''),
    paired: (name, other, among) => {
      const [model, reference] = [answers?.models[name], answers?.models[other]];
      if (answers === undefined || model === undefined || reference === undefined) return undefined;
      return pairedOn({ labels: answers.labels, model, reference }, report.confidence, among);
    },
  };
}

/** What a fleet would be without a device, beside the whole one. */
export function withoutDevice(
  { paired }: Told,
  fleet: FleetReport,
  device: DeviceReport,
  among?: ReadonlySet<number>,
): Paired | undefined {
  return paired(answerNames.without(fleet.name, device.name), answerNames.fused(fleet.name), among);
}

/** Classes that a device knows. */
export function classesOf({ submodels }: FleetReport, device: string): readonly number[] {
  return submodels.flatMap((one) => (one.device === device ? one.classes : []));
}

/** In a sentence. */
export const smallPhrase = (kind: Baseline): string =>
  `one small model that costs as much as ${kind === 'total' ? 'all devices together' : 'one device'}`;

/** In a table. */
export const smallLabel = (kind: Baseline): string =>
  `small model, cost of ${kind === 'total' ? 'all devices' : 'one device'}`;

/** Of everything that all devices carry. */
export function totalCost({ devices }: FleetReport): { readonly macs: number; readonly sizeBytes: number } {
  return devices.reduce(
    (sum, { macs, sizeBytes }) => ({ macs: sum.macs + macs, sizeBytes: sum.sizeBytes + sizeBytes }),
    { macs: 0, sizeBytes: 0 },
  );
}
