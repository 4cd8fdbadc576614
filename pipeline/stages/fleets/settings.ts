import { known } from '../../util/known.ts';
import { finishedOf } from './artefacts.ts';
import { asksTeacher } from './asks-teacher.ts';
import { trainsTeacher } from './fleet-settings.ts';
import type { EnergyRates } from './energy.ts';
import type { FleetsMethod, Origin } from './report-file.ts';
import type { FleetsInput } from './schema.ts';
import type { PlannedFleet, PlannedStart, TrainingDuration } from './plan-fleets.ts';
import type { FuseSettings } from './work/fuse.ts';
import type { PackageSettings } from './work/package.ts';
import type { PartitionSettings } from './work/partition.ts';
import type { ProfileSettings } from './work/profile.ts';
import type { ReportSettings } from './work/report.ts';
import type { SliceJobSettings } from './work/slice.ts';
import type { TargetsSettings } from './work/targets.ts';
import type { TrainJobSettings } from './work/train.ts';

/**
 * What the result of every job depends on, beside its inputs: all that its work is given of the config.
 */

export function targetsSettings({ loaded }: FleetsInput): TargetsSettings {
  return { trains: trainsTeacher(loaded.config) };
}

export function partitionSettings(
  { loaded, architecture, inputs }: FleetsInput,
  fleet: PlannedFleet,
): PartitionSettings {
  const { by } = fleet.partition;
  return {
    trains: trainsTeacher(loaded.config),
    by,
    subsets: fleet.submodels.length,
    classes: architecture.classes,
    // Only a file names classes.
    names: by === 'file' ? inputs.classes.names : null,
    seed: loaded.config.seed,
  };
}

export function sliceSettings({ loaded }: FleetsInput, fleet: PlannedFleet, name: string): SliceJobSettings {
  const { config } = loaded;
  const { subset, limits, taught } = modelOf(fleet, name);
  return {
    name,
    trains: trainsTeacher(config),
    subset,
    taught,
    limits,
    slice: config.slice,
    heldOut: config.train.heldOut,
    seed: config.seed,
  };
}

export function trainSettings({ loaded }: FleetsInput, fleet: PlannedFleet, name: string): TrainJobSettings {
  const { config } = loaded;
  const { subset, taught, longer } = modelOf(fleet, name);
  return {
    name,
    trains: trainsTeacher(config),
    subset,
    taught,
    asks: asksTeacher(config.train),
    features: subset !== null,
    train: { ...config.train, duration: lengthened(config.train.duration, longer) },
    seed: config.seed,
  };
}

export function fuseSettings({ loaded, architecture }: FleetsInput, fleet: PlannedFleet): FuseSettings {
  const { config } = loaded;
  return {
    trains: trainsTeacher(config),
    submodels: placesOf(fleet),
    joint: fleet.joint ? fleet.name : null,
    classes: architecture.classes,
    fusion: config.fusion,
    seed: config.seed,
  };
}

export function profileSettings({ loaded, architecture }: FleetsInput, fleet: PlannedFleet): ProfileSettings {
  return {
    submodels: fleet.submodels.map(({ name }) => name),
    latency: loaded.config.measure.latency,
    architecture: { ...architecture },
  };
}

export function packageSettings({ loaded, inputs }: FleetsInput, fleet: PlannedFleet): PackageSettings {
  const { config } = loaded;
  return {
    fleet: fleet.name,
    trains: trainsTeacher(config),
    submodels: placesOf(fleet),
    devices: fleet.devices.map(({ name, ...limits }) => ({ name, limits })),
    classNames: inputs.classes.names,
    seed: config.seed,
  };
}

export function reportSettings(
  { loaded, inputs }: FleetsInput,
  fleets: readonly PlannedFleet[],
  energy: EnergyRates | null,
): ReportSettings {
  const { method, seed, measure } = loaded.config;
  return {
    method: method as FleetsMethod,
    seed,
    confidence: measure.confidence,
    subset: inputs.classes.subset,
    classes: inputs.classes.names,
    fleets: fleets.map((fleet) => ({
      name: fleet.name,
      submodels: placesOf(fleet).map((place, index) => {
        const { start, taught } = fleet.submodels[index]!;
        return { ...place, origin: originOf(start), taught };
      }),
      joint: fleet.joint,
      perMacJ: Object.fromEntries(
        fleet.devices.flatMap(({ name, energyPerMacJ: own }) => (own === undefined ? [] : [[name, own]])),
      ),
      baselines: fleet.baselines.map(({ name, kind }) => ({ name, kind })),
    })),
    energy,
  };
}

function originOf(start: PlannedStart): Origin | null {
  if (start.from === 'teacher') return null;
  if (start.from === 'random') return 'random weights';
  return start.cut ? 'checkpoint, cut' : 'checkpoint';
}

/** Which device hosts which sub-model and where that is, in the order of the subsets. */
function placesOf(fleet: PlannedFleet) {
  return fleet.submodels.map(({ name, device, index }) => ({
    name,
    device,
    finished: finishedOf(fleet, { name, index }),
  }));
}

/** `subset`: where a model's classes are found; null for all of them. */
function modelOf(fleet: PlannedFleet, name: string) {
  const submodel = fleet.submodels.find((one) => one.name === name);
  if (submodel !== undefined) {
    const { index, limits, taught } = submodel;
    return { subset: { fleet: fleet.name, index }, limits, taught, longer: undefined };
  }
  const baselines = new Map(fleet.baselines.map((one) => [one.name, one]));
  const { limits, longer } = known(baselines, name);
  return { subset: null, limits, taught: false, longer };
}

/** Both durations together where they are in one unit; else the first alone. */
function lengthened(duration: TrainingDuration, more: TrainingDuration | undefined): TrainingDuration {
  if (more === undefined) return duration;
  if ('epochs' in duration && 'epochs' in more) return { epochs: duration.epochs + more.epochs };
  if ('steps' in duration && 'steps' in more) return { steps: duration.steps + more.steps };
  if ('minutes' in duration && 'minutes' in more) return { minutes: duration.minutes + more.minutes };
  return duration;
}
