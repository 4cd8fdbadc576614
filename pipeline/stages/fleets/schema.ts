import { z } from 'zod';
import { configSchema, measureFields, positiveInteger } from '../../config/schema.ts';
import { devicesField } from '../../submodels/fleet/schema.ts';
import { fusionFields } from '../../submodels/fusion/schema.ts';
import { partitionFields } from '../../submodels/partition/schema.ts';
import { sliceFields } from '../../slicing/schema.ts';
import { trainingFields } from '../../submodels/training/schema.ts';
import type { PlanInput } from '../common/plan-input.ts';

const share = z.number().gt(0).max(1);
/** Also part of the names of jobs and folders. */
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'expected letters, digits, "_", "." or "-", at most 64, starting with a letter or digit',
  );

const submodelSchema = z
  .strictObject({
    /** At most this share of the teacher's multiply-adds per image. */
    macs: share.default(1 / 3),
    /** At most this share of the teacher's bytes. */
    size: share.default(1),
  })
  .prefault({});

const partitionSchema = z.strictObject(partitionFields).prefault({});

/** What every method that serves a fleet of devices says in its config, beside `method`. */
export const fleetsFields = {
  /** So many equal devices without limits of their own, or a list of them. */
  devices: devicesField.optional(),
  /** Instead of `devices`: several deployments from one run. */
  fleets: z
    .array(
      z.strictObject({
        /** Default: `5-devices`. */
        name: name.optional(),
        devices: devicesField,
        /** What differs from the `submodel` of all. */
        submodel: z.strictObject({ macs: share.optional(), size: share.optional() }).optional(),
        /** Instead of the `partition` of all. */
        partition: z.strictObject(partitionFields).optional(),
      }),
    )
    .min(1)
    .max(100)
    .optional(),
  submodel: submodelSchema,
  partition: partitionSchema,
  /** Models to compare with that know all classes: of the devices' total cost, and of one device's alone. */
  baselines: z.array(z.enum(['total', 'device'])).default(['total', 'device']),
  /** How a sub-model is cut out of the teacher. */
  slice: z.strictObject(sliceFields).prefault({}),
  train: z.strictObject(trainingFields).prefault({}),
  fusion: z.strictObject(fusionFields).prefault({}),
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
};

export const fleetsSchema = configSchema.extend(fleetsFields);

/** What such methods have in common. */
export type FleetsConfig = z.infer<typeof fleetsSchema>;
export type FleetsInput = PlanInput<FleetsConfig>;
export type FleetSetting = NonNullable<FleetsConfig['fleets']>[number];

export const fleetsPaths = ['partition.file', 'fleets[].partition.file'];
