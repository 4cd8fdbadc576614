import type { Architecture } from '../../model/architecture.ts';
import { modelCosts } from '../../model/costs.ts';
import { fail } from '../../util/failure.ts';
import { indices } from '../common/artefacts.ts';
import { baselineName, submodelName, type Baseline } from './artefacts.ts';
import { fleetSettings, type EdVitInput, type FleetSetting } from './schema.ts';

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
  readonly partition: Required<FleetSetting>['partition'];
  readonly devices: readonly string[];
  readonly submodels: readonly PlannedSubmodel[];
  /** Models that know all classes, to compare with: those that would be smaller than the teacher. */
  readonly baselines: readonly { readonly name: string; readonly kind: Baseline; readonly limits: CostLimits }[];
  /** How it was fitted to its devices; sentences. */
  readonly notes: readonly string[];
}

/**
 * Every fleet with what each sub-model may cost, by the devices' limits.
 * @throws BlockForgeError `config-invalid` where a fleet has more devices than there are classes, or a device has no room
 */
export function planFleets({ loaded: { config }, architecture }: EdVitInput): PlannedFleet[] {
  return fleetSettings(config).map((setting) => planFleet(setting, config.baselines, architecture));
}

function planFleet(
  { name, devices, submodel, partition }: Required<FleetSetting>,
  baselines: readonly Baseline[],
  architecture: Architecture,
): PlannedFleet {
  const count = typeof devices === 'number' ? devices : devices.length;
  if (count > architecture.classes) {
    fail({
      reason: 'config-invalid',
      subject: `fleet ${name}`,
      found: `${count} devices for ${architecture.classes} classes`,
      expected: 'at most one device per class: each serves a subset of the classes',
      next: 'take fewer devices',
    });
  }
  const teacher = modelCosts(architecture);
  const limits = { macs: submodel.macs * teacher.macs, sizeBytes: submodel.size * teacher.sizeBytes };
  const names = typeof devices === 'number' ? indices(count).map((index) => `device-${index}`) : devices.map((one) => one.name);
  const submodels = names.map((device, index) => ({ name: submodelName(name, index), index, device, limits }));
  const total = sum(submodels.map((one) => one.limits));
  const kinds: readonly [Baseline, CostLimits][] = [
    ['total', total],
    ['device', limits],
  ];
  return {
    name,
    partition,
    devices: names,
    submodels,
    baselines: kinds
      .filter(([kind, own]) => baselines.includes(kind) && own.macs < teacher.macs && (kind === 'total' || count > 1))
      .map(([kind, own]) => ({
        name: baselineName(name, kind),
        kind,
        limits: { macs: own.macs, sizeBytes: Math.min(own.sizeBytes, teacher.sizeBytes) },
      })),
    notes: [],
  };
}

function sum(limits: readonly CostLimits[]): CostLimits {
  return limits.reduce((all, one) => ({ macs: all.macs + one.macs, sizeBytes: all.sizeBytes + one.sizeBytes }), {
    macs: 0,
    sizeBytes: 0,
  });
}
