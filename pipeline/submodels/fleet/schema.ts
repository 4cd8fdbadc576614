import { z } from 'zod';

const positive = z.number().positive().max(1e18);

/** Also the name of its folder in a deployment. */
const deviceName = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'expected letters, digits, "_", "." or "-", at most 64, starting with a letter or digit',
  )
  .refine((name) => name.toLowerCase() !== 'coordinator', 'coordinator is the package beside the devices');

const deviceSchema = z
  .strictObject({
    name: deviceName,
    memoryMiB: positive.optional(),
    /** Multiply-adds per image at most. */
    macs: positive.optional(),
    /** Per image at most, at `macsPerSecond`. */
    latencyMs: positive.optional(),
    /** As measured on the device. */
    macsPerSecond: positive.optional(),
    /** Per image at most, at `energyPerMacJ`. */
    energyJ: positive.optional(),
    energyPerMacJ: positive.optional(),
  })
  .refine(
    ({ latencyMs, macsPerSecond }) => latencyMs === undefined || macsPerSecond !== undefined,
    'latencyMs needs macsPerSecond',
  )
  .refine(
    ({ energyJ, energyPerMacJ }) => energyJ === undefined || energyPerMacJ !== undefined,
    'energyJ needs energyPerMacJ',
  );

/** So many equal devices without limits of their own, or a list. */
export const devicesField = z.union([
  z.int().min(1).max(1000),
  z
    .array(deviceSchema)
    .min(1)
    .max(1000)
    .superRefine((devices, context) => {
      const names = devices.map(({ name }) => name.toLowerCase());
      for (const [index, own] of names.entries()) {
        // Some file systems take upper and lower case for the same.
        if (names.indexOf(own) === index) continue;
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: 'names a device before it; give this one a name of its own',
        });
      }
    }),
]);

export type DevicesConfig = z.infer<typeof devicesField>;
