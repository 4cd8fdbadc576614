import { isClassifier, type Architecture } from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import type { Device } from '../../submodels/fleet/device.ts';
import { explainUnfit } from '../../submodels/fleet/explain-unfit.ts';
import { fitExact } from '../../submodels/fleet/fit-exact.ts';
import { fitGreedy } from '../../submodels/fleet/fit-greedy.ts';
import type { Fitted } from '../../submodels/fleet/fit.ts';
import type { Ladder } from '../../submodels/fleet/level.ts';
import { refuseFit } from '../../submodels/fleet/refuse-fit.ts';
import { devicesOf } from '../../submodels/fleet/devices-of.ts';
import type { TrainingSettings } from '../../submodels/training/schema.ts';
import { uniformLadder } from '../../submodels/fleet/uniform-ladder.ts';
import { requireFoldable } from '../../slicing/require-foldable.ts';
import { requireSlice } from '../../slicing/require-slice.ts';
import type { SliceSettings } from '../../slicing/schema.ts';
import { BlockForgeError, fail } from '../../util/failure.ts';
import { formatCount } from '../../util/format.ts';
import { indices } from '../common/artefacts.ts';
import { baselineName, submodelName, type Baseline } from './artefacts.ts';
import { fleetSettings, type FleetSettings } from './fleet-settings.ts';
import type { FleetsInput } from './schema.ts';

/** What a model may cost. A type, not an interface, so that it is JSON. */
export type CostLimits = { readonly macs: number; readonly sizeBytes: number };

/** What a sub-model is made of. A type, not an interface, so that it is JSON. */
export type PlannedStart =
  /** Cut out of its teacher. */
  | { readonly from: 'teacher' }
  /** Another pretrained model with a new head, cut further or as it is. */
  | {
      readonly from: 'checkpoint';
      readonly student: number;
      readonly architecture: Architecture;
      readonly cut: boolean;
    }
  /** Weights drawn at random. */
  | { readonly from: 'random'; readonly student: number; readonly architecture: Architecture };

export interface PlannedSubmodel {
  readonly name: string;
  /** Of its subset. */
  readonly index: number;
  /** Which device hosts it. */
  readonly device: string;
  readonly limits: CostLimits;
  readonly start: PlannedStart;
  /** Whether its teacher is one of its own, fine-tuned on its classes. */
  readonly taught: boolean;
}

export type TrainingDuration = TrainingSettings['duration'];

/** One deployment, as far as arithmetic alone decides it. */
export interface PlannedFleet {
  readonly name: string;
  readonly partition: FleetSettings['partition'];
  readonly devices: readonly Device[];
  /** One for each device; a device may host several, and others none. */
  readonly submodels: readonly PlannedSubmodel[];
  /** Models that know all classes, to compare with: those that would be smaller than the teacher. */
  readonly baselines: readonly {
    readonly name: string;
    readonly kind: Baseline;
    readonly limits: CostLimits;
    /** Beside its own training: as long as the sub-models are trained together, for a fair comparison. */
    readonly longer?: TrainingDuration | undefined;
  }[];
  /** Whether its sub-models are trained once more, together. */
  readonly joint: boolean;
  /** How it was fitted to its devices; sentences. */
  readonly notes: readonly string[];
}

/** What methods decide about fleets differently. */
export interface FleetChoices {
  /** What sub-models start from, who teaches them, and what they then cost; by default they are cut out of the one teacher. */
  readonly start?:
    | ((
        submodels: readonly PlannedSubmodel[],
        classes: number,
        subject: string,
      ) => readonly PlannedSubmodel[])
    | undefined;
  /** How long sub-models are trained once more, together; default: not at all. */
  readonly joint?: TrainingDuration | undefined;
}

/**
 * Every fleet with what each sub-model may cost, by the devices' limits.
 * @throws BlockForgeError `config-invalid` where a fleet has more devices than there are classes, or a device has no room;
 *   `checkpoint-unsupported` where nothing can be cut out of such a teacher
 */
export function planFleets(
  { loaded: { config, file }, architecture }: FleetsInput,
  choices: FleetChoices = {},
): PlannedFleet[] {
  if (!isClassifier(architecture)) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: `${file}: teacher`,
      found: `a model without a classifier, for the method ${config.method}`,
      expected: 'classes, which this method divides among devices',
      next: 'teacher.head: { train: true } fits a head to the labels of the data, or method: blocks',
    });
  }
  return fleetSettings(config).map((setting) => {
    const subject = `${file}: devices of ${setting.name}`;
    const fleet = planFleet(setting, config.baselines, architecture, subject, choices);
    requireSlices(fleet, architecture, config.slice, subject, file);
    return fleet;
  });
}

function planFleet(
  { name, devices: setting, submodel, partition }: FleetSettings,
  baselines: readonly Baseline[],
  architecture: Architecture,
  subject: string,
  { start, joint }: FleetChoices,
): PlannedFleet {
  const devices = devicesOf(setting);
  if (devices.length > architecture.classes) {
    fail({
      reason: 'config-invalid',
      subject,
      found: `${devices.length} devices for ${architecture.classes} classes`,
      expected: 'at most one device for each class: every device serves classes of its own',
      next: 'take fewer devices',
    });
  }
  const teacher = modelCosts(architecture);
  const shares = { macs: submodel.macs * teacher.macs, sizeBytes: submodel.size * teacher.sizeBytes };
  const { placed, notes } = placeSubmodels(devices, shares, submodel, architecture, subject);
  const cut = placed.map(({ device, limits }, index): PlannedSubmodel => ({
    name: submodelName(name, index),
    index,
    device: devices[device]!.name,
    limits,
    start: { from: 'teacher' },
    taught: false,
  }));
  const submodels = start?.(cut, outputsAtMost(architecture, cut.length), subject) ?? cut;
  const hosts = [...new Set(submodels.map(({ device }) => device))].map((host) =>
    costOf(submodels.filter(({ device }) => device === host)),
  );
  const kinds: readonly (readonly [Baseline, CostLimits])[] = [
    ['total', costOf(submodels)],
    // On the only device there is it would be the same once more.
    ...(hosts.length === 1 && baselines.includes('total')
      ? []
      : [['device', hosts.reduce((most, one) => (one.macs > most.macs ? one : most))] as const]),
  ];
  return {
    name,
    partition,
    devices,
    submodels,
    // With one device both are the sub-model itself; at the teacher's cost there is the teacher.
    baselines: kinds
      .filter(([kind, own]) => devices.length > 1 && baselines.includes(kind) && own.macs < teacher.macs)
      .map(([kind, { macs, sizeBytes }]) => ({
        name: baselineName(name, kind),
        kind,
        limits: { macs, sizeBytes: Math.min(sizeBytes, teacher.sizeBytes) },
        ...(joint !== undefined && { longer: joint }),
      })),
    joint: joint !== undefined && submodels.length > 1,
    notes,
  };
}

/** Rows of the head of the largest subset, with that for all other classes. */
function outputsAtMost({ classes }: Architecture, subsets: number): number {
  return Math.ceil(classes / subsets) + (subsets > 1 ? 1 : 0);
}

function costOf(submodels: readonly PlannedSubmodel[]): CostLimits {
  return submodels
    .map(({ limits }) => limits)
    .reduce((all, one) => ({ macs: all.macs + one.macs, sizeBytes: all.sizeBytes + one.sizeBytes }));
}

/** Refuses limits that no slice is within: before the hours of a run, not in them. */
function requireSlices(
  { submodels, baselines }: PlannedFleet,
  architecture: Architecture,
  settings: SliceSettings,
  subject: string,
  file: string,
): void {
  const subset = outputsAtMost(architecture, submodels.length);
  const models = [
    ...submodels.flatMap(({ limits, device, start }) => {
      const whole = start.from === 'teacher' ? architecture : start.architecture;
      const isCut = start.from === 'teacher' || (start.from === 'checkpoint' && start.cut);
      return isCut
        ? [{ whole, limits, classes: subset, of: `the sub-model of ${device}`, baseline: undefined }]
        : [];
    }),
    ...baselines.map(({ limits, name, kind }) => ({
      whole: architecture,
      limits,
      classes: architecture.classes,
      of: name,
      baseline: kind,
    })),
  ];
  for (const { whole, limits, classes, of, baseline } of models) {
    requireFoldable(whole, file);
    try {
      requireSlice({ whole, classes, limits }, settings);
    } catch (error) {
      if (!(error instanceof BlockForgeError)) throw error;
      // What sub-models cost is the students' where these are cheaper than the limits: then raising limits does nothing.
      const next = baseline === undefined ? error.failure.next : `leave "${baseline}" out of baselines`;
      fail({ ...error.failure, subject: `${subject}: ${of}`, next }, error);
    }
  }
}

interface Placed {
  /** Index into the devices. */
  readonly device: number;
  readonly limits: CostLimits;
}

/** Which device hosts which sub-model, and what that may cost. */
function placeSubmodels(
  devices: readonly Device[],
  shares: CostLimits,
  limit: { readonly macs: number; readonly size: number },
  architecture: Architecture,
  subject: string,
): { readonly placed: readonly Placed[]; readonly notes: readonly string[] } {
  // Devices without limits take what the shares allow; a ladder of sizes would only round that down.
  if (devices.every((device) => Object.keys(device).length === 1)) {
    return { placed: indices(devices.length).map((device) => ({ device, limits: shares })), notes: [] };
  }
  const ladder = uniformLadder(architecture, outputsAtMost(architecture, devices.length), { limit });
  const task = { devices, submodels: devices.length, ladder };
  const [exact, greedy] = [fitExact(task), fitGreedy(task)];
  if (!exact.fits) return refuseFit(exact, subject);
  const hosts = new Set(exact.placements.map(({ device }) => device));
  return {
    placed: exact.placements.map(({ device, level: { macs, sizeBytes } }) => ({
      device,
      limits: { macs, sizeBytes },
    })),
    notes: [
      ...devices.flatMap((device, index) => (hosts.has(index) ? [] : [explainIdle(device, ladder)])),
      `exact fit, ${exact.proven ? 'proven' : 'the search was cut short'}: ${describeFit(exact, devices)}`,
      greedy.fits
        ? `greedy fit, as published: ${describeFit(greedy, devices)}`
        : 'greedy fit, as published: finds none',
    ],
  };
}

/** Why a device has no sub-model, for a fleet that is served without it. */
function explainIdle(device: Device, ladder: Ladder): string {
  const unfit = explainUnfit({ devices: [device], submodels: 1, ladder });
  const why =
    unfit === undefined
      ? 'all are larger on the others'
      : `the smallest needs ${unfit.limit} of ${Number(unfit.needed.toPrecision(4))}, it has ${Number(unfit.available.toPrecision(4))}`;
  return `device ${device.name} gets no sub-model: ${why}`;
}

function describeFit({ placements, worth }: Fitted, devices: readonly Device[]): string {
  const places = placements.map(
    ({ device, level: { level, macs } }) =>
      `${devices[device]!.name} ${(100 * level).toFixed(0)} % (${formatCount(macs)} MACs)`,
  );
  return `smallest ${(100 * worth.smallestLevel).toFixed(0)} % of each dimension, ${formatCount(worth.totalMacs)} MACs in all; ${places.join(', ')}`;
}
