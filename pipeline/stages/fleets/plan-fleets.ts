import type { Architecture } from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import type { Device } from '../../submodels/fleet/device.ts';
import { explainUnfit } from '../../submodels/fleet/explain-unfit.ts';
import { fitExact } from '../../submodels/fleet/fit-exact.ts';
import { fitGreedy } from '../../submodels/fleet/fit-greedy.ts';
import type { Fitted } from '../../submodels/fleet/fit.ts';
import type { Ladder } from '../../submodels/fleet/level.ts';
import { refuseFit } from '../../submodels/fleet/refuse-fit.ts';
import { devicesOf } from '../../submodels/fleet/devices-of.ts';
import { uniformLadder } from '../../submodels/fleet/uniform-ladder.ts';
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

export interface PlannedSubmodel {
  readonly name: string;
  /** Of its subset. */
  readonly index: number;
  /** Which device hosts it. */
  readonly device: string;
  readonly limits: CostLimits;
}

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
  }[];
  /** How it was fitted to its devices; sentences. */
  readonly notes: readonly string[];
}

/**
 * Every fleet with what each sub-model may cost, by the devices' limits.
 * @throws BlockForgeError `config-invalid` where a fleet has more devices than there are classes, or a device has no room
 */
export function planFleets({ loaded: { config, file }, architecture }: FleetsInput): PlannedFleet[] {
  return fleetSettings(config).map((setting) => {
    const subject = `${file}: devices of ${setting.name}`;
    const fleet = planFleet(setting, config.baselines, architecture, subject);
    requireSlices(fleet, architecture, config.slice, subject);
    return fleet;
  });
}

function planFleet(
  { name, devices: setting, submodel, partition }: FleetSettings,
  baselines: readonly Baseline[],
  architecture: Architecture,
  subject: string,
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
  const submodels = placed.map(({ device, limits }, index) => ({
    name: submodelName(name, index),
    index,
    device: devices[device]!.name,
    limits,
  }));
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
      })),
    notes,
  };
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
): void {
  const subset = Math.ceil(architecture.classes / submodels.length) + (submodels.length > 1 ? 1 : 0);
  const models = [
    ...submodels.map(({ limits, device }) => ({ limits, classes: subset, of: `the sub-model of ${device}` })),
    ...baselines.map(({ limits, name }) => ({ limits, classes: architecture.classes, of: name })),
  ];
  for (const { limits, classes, of } of models) {
    try {
      requireSlice({ whole: architecture, classes, limits }, settings);
    } catch (error) {
      if (!(error instanceof BlockForgeError)) throw error;
      fail({ ...error.failure, subject: `${subject}: ${of}` }, error);
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
  const classes = Math.ceil(architecture.classes / devices.length);
  const ladder = uniformLadder(architecture, classes + (devices.length > 1 ? 1 : 0), { limit });
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
