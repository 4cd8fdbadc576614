import { z } from 'zod';
import type { FleetsReport } from '../report-file.ts';

const count = z.int().min(0);
const interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const cost = { sizeBytes: z.number(), macs: z.number() };
const compared = z.object({ images: count, top1Percent: interval, againstPp: interval });
const milliseconds = z.number().nullable();
const shares = z.object({ restricted: z.number(), tuned: z.number() });
const baseline = z.enum(['total', 'device']);

const submodel = z.object({
  ...cost,
  name: z.string(),
  device: z.string(),
  classes: z.array(count),
  teacherPercent: interval,
  start: compared,
  trained: compared,
  featureWidth: z.number(),
  trainMinutes: z.number(),
  p50Ms: milliseconds,
  origin: z.enum(['checkpoint', 'checkpoint, cut', 'random weights']).optional(),
  teach: z.object({ images: count, heldOut: shares, selection: shares, seconds: z.number() }).optional(),
});

const device = z.object({
  ...cost,
  name: z.string(),
  models: z.array(z.string()),
  classes: count,
  bytesUp: z.number(),
  p50Ms: milliseconds,
  lost: compared.optional(),
});

const devit = z.object({
  together: z.object({
    submodels: z.array(
      z.object({ name: z.string(), images: count, alonePercent: interval, fused: compared }),
    ),
    mean: z.object({ alonePercent: interval, fused: compared }),
    small: z.array(z.object({ kind: baseline, fused: compared })),
  }),
  energy: z.object({
    perMacJ: z.number(),
    perByteJ: z.number(),
    totalJ: z.number(),
    dearestJ: z.number(),
    teacherJ: z.number(),
  }),
  bytesDown: z.number(),
  bytesUp: z.number(),
  joint: z
    .object({
      start: z.number(),
      best: z.number(),
      startKept: z.boolean().optional(),
      minutes: z.number(),
    })
    .optional(),
});

const fleet = z.object({
  name: z.string(),
  partition: z.object({ by: z.string(), confusionInside: z.record(z.string(), z.number()) }),
  devices: z.array(device).min(1),
  submodels: z.array(submodel).min(1),
  alone: z.object({ teacherPercent: interval, start: compared, trained: compared }),
  fused: compared,
  lost: z
    .object({
      mean: compared,
      worst: compared.extend({ device: z.string(), classesPercent: z.number() }),
    })
    .optional(),
  head: z.string(),
  small: z.array(compared.extend({ ...cost, kind: baseline, trainMinutes: z.number() })),
  largest: z.object(cost),
  p50Ms: milliseconds,
  teacherP50Ms: milliseconds,
  trainMinutes: z.number(),
  devit: devit.optional(),
});

/** `report.json` of a run that may come from others, or from an earlier version. */
export const reportSchema = z.object({
  kind: z.enum(['ed-vit', 'devit']),
  run: z.string(),
  images: count,
  seed: z.number(),
  engine: z.string(),
  confidence: z.number().gt(0).lt(1),
  classes: z.array(z.string()),
  teacher: z.object({
    ...cost,
    restrictedPercent: interval.nullable(),
    unrestrictedPercent: interval.nullable().optional(),
  }),
  imageBytes: z.number(),
  flattered: z.boolean(),
  fleets: z.array(fleet),
  missing: z.array(z.string()),
}) satisfies z.ZodType<FleetsReport>;
