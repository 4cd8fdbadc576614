import { z } from 'zod';
import type { Contradiction } from '../../config/check.ts';
import { configSchema, measureFields, positiveInteger } from '../../config/schema.ts';
import type { PlanInput } from '../common/plan-input.ts';

const share = z.number().gt(0).max(1);
const name = z.string().regex(/^[\w.-]+$/, 'expected letters, digits, ".", "_" and "-" only');

const device = z.strictObject({
  name,
  memoryMiB: z.number().positive().optional(),
  /** Multiply-adds per image at most. */
  macs: z.number().positive().optional(),
  latencyMs: z.number().positive().optional(),
  macsPerSecond: z.number().positive().optional(),
  energyPerMacJ: z.number().positive().optional(),
  energyJ: z.number().positive().optional(),
});

const devices = z.union([positiveInteger.max(1000), z.array(device).min(1).max(1000)]);

const submodelSchema = z
  .strictObject({
    /** At most this share of the teacher's multiply-adds per image. */
    macs: share.default(1 / 3),
    /** At most this share of the teacher's bytes. */
    size: share.default(1),
  })
  .prefault({});

const partitionSchema = z
  .strictObject({
    /** Which classes stand together in a subset. */
    by: z.enum(['random', 'confused-together', 'confused-apart', 'file']).default('random'),
    /** Only for `file`: a subset a line. */
    file: z.string().min(1).optional(),
  })
  .prefault({});

/** The config of the method `ed-vit`. */
export const edVitSchema = configSchema.extend({
  method: z.literal('ed-vit'),
  /** So many equal devices without limits of their own, or a list of them. */
  devices: devices.optional(),
  /** Instead of `devices`: several deployments from one run. */
  fleets: z
    .array(
      z.strictObject({
        /** Default: `5-devices`. */
        name: name.optional(),
        devices,
        submodel: submodelSchema.optional(),
        partition: partitionSchema.optional(),
      }),
    )
    .min(1)
    .max(100)
    .optional(),
  submodel: submodelSchema,
  partition: partitionSchema,
  /** Models to compare with that know all classes: of the devices' total cost, and of one device's alone. */
  baselines: z.array(z.enum(['total', 'device'])).default(['total', 'device']),
  measure: z
    .strictObject({
      ...measureFields,
      latency: z
        .strictObject({
          warmup: positiveInteger.max(1e6).default(10),
          iterations: positiveInteger.max(1e6).default(50),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type EdVitConfig = z.infer<typeof edVitSchema>;
export type EdVitInput = PlanInput<EdVitConfig>;
export type FleetSetting = NonNullable<EdVitConfig['fleets']>[number];

/** Settings of the method that contradict or need each other. */
export function checkEdVit(config: EdVitConfig): Contradiction[] {
  return [...checkDevices(config), ...checkFleets(config), ...checkPartitions(config)];
}

function checkDevices({ devices: own, fleets }: EdVitConfig): Contradiction[] {
  if (own === undefined && fleets === undefined) {
    return [{ path: ['devices'], message: 'needs "devices" (a number or a list) or "fleets" (several of them)' }];
  }
  if (own !== undefined && fleets !== undefined) {
    return [{ path: ['fleets'], message: 'contradicts "devices": give one deployment or several, not both' }];
  }
  return [];
}

/** The name of a fleet, of its jobs and of its folder. */
export function fleetName({ name: given, devices: own }: Pick<FleetSetting, 'name' | 'devices'>): string {
  const count = typeof own === 'number' ? own : own.length;
  return given ?? `${count}-device${count === 1 ? '' : 's'}`;
}

/** Every fleet with all its settings. */
export function fleetSettings(config: EdVitConfig): Required<FleetSetting>[] {
  const { devices: own, fleets = own === undefined ? [] : [{ devices: own }], submodel, partition } = config;
  return fleets.map((fleet: FleetSetting) => ({
    submodel,
    partition,
    ...fleet,
    name: fleetName(fleet),
  }));
}

function checkFleets(config: EdVitConfig): Contradiction[] {
  const all = fleetSettings(config);
  const twice = all.flatMap(({ name: own }, index) =>
    all.findIndex((other) => other.name === own) < index
      ? [{ path: ['fleets', index], message: `"${own}" names a fleet before it; give this one a name of its own` }]
      : [],
  );
  const devicesTwice = all.flatMap(({ devices: own }, index) => {
    if (typeof own === 'number') return [];
    const names = own.map((one) => one.name);
    const place = names.findIndex((one, at) => names.indexOf(one) < at);
    if (place < 0) return [];
    const base = config.fleets === undefined ? ['devices'] : ['fleets', index, 'devices'];
    return [{ path: [...base, place, 'name'], message: `"${names[place]}" names a device before it` }];
  });
  return [...twice, ...devicesTwice];
}

function checkPartitions(config: EdVitConfig): Contradiction[] {
  const places = [
    { path: ['partition'] as (string | number)[], partition: config.partition as FleetSetting['partition'] },
    ...(config.fleets ?? []).map(({ partition }, index) => ({ path: ['fleets', index, 'partition'], partition })),
  ];
  return places.flatMap(({ path, partition }) => {
    if (partition === undefined) return [];
    if (partition.by === 'file' && partition.file === undefined)
      return [{ path, message: 'needs "file": a text file with the classes of a subset on each line' }];
    if (partition.by !== 'file' && partition.file !== undefined)
      return [{ path: [...path, 'file'], message: `contradicts "by: ${partition.by}"; write "by: file"` }];
    return [];
  });
}

/** Whether the teacher is trained here, so that its images are there to learn from. */
export function trainsTeacher({ teacher }: EdVitConfig): boolean {
  return teacher.train !== undefined;
}
