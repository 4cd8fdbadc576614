import type { FleetsConfig, FleetSetting } from './schema.ts';

// Apart from the schema, so that a list of stages loads without it.

/** The name of a fleet, of its jobs and of its folder. */
export function fleetName({ name: given, devices: own }: Pick<FleetSetting, 'name' | 'devices'>): string {
  const count = typeof own === 'number' ? own : own.length;
  return given ?? `${count}-device${count === 1 ? '' : 's'}`;
}

/** One deployment with all its settings. */
export interface FleetSettings {
  readonly name: string;
  readonly devices: FleetSetting['devices'];
  readonly submodel: FleetsConfig['submodel'];
  readonly partition: FleetsConfig['partition'];
}

/** Every fleet with all its settings. */
export function fleetSettings(config: FleetsConfig): FleetSettings[] {
  const { devices: own, fleets = own === undefined ? [] : [{ devices: own }], submodel, partition } = config;
  return fleets.map((fleet: FleetSetting) => ({
    name: fleetName(fleet),
    devices: fleet.devices,
    submodel: { macs: fleet.submodel?.macs ?? submodel.macs, size: fleet.submodel?.size ?? submodel.size },
    partition: fleet.partition ?? partition,
  }));
}

/** Whether the teacher is trained here, so that its images are there to learn from. */
export function trainsTeacher({ teacher }: FleetsConfig): boolean {
  return teacher.train !== undefined;
}
