import { z } from 'zod';
import { modelCosts, type Costs } from '../model/costs.ts';
import { canonicalShapes } from '../model/host-weights.ts';
import { isDefaultFamily, patchGrid, type Architecture } from '../model/architecture.ts';
import { count, digest, positive } from '../library/manifest-parts.ts';

// What the manifests of devices, coordinators and deployments share.

/** Version of all three; until the first release it grows by optional members only. */
export const deploymentSchemaVersion = 1;

/** Of a device, a sub-model or a deployment: it is the name of a file or a folder, too. */
export const packageName = z
  .string()
  .regex(/^\w[\w.-]{0,99}$/, 'expected letters, digits, "_", "." or "-", at most 100');

export const tool = z.strictObject({ name: z.literal('blockforge'), version: z.string() });

/** What people call classes, in the order of the logits; null where nobody has named them. */
export const classNames = z.array(z.string()).nullable();

const split = z.strictObject({ images: count, sha256: digest });

/** Where a package comes from: enough to make it again. */
export const provenance = z.strictObject({
  seed: count,
  engine: z.strictObject({
    name: z.string(),
    version: z.string(),
    device: z.enum(['cpu', 'gpu']),
    threads: positive,
  }),
  /** Of the file of the teacher's weights, and what the whole teacher costs. */
  teacher: z.strictObject({ sha256: digest, params: positive, macs: positive }),
  /** By name of the split. */
  data: z.record(z.string(), split),
});

export type Provenance = z.infer<typeof provenance>;

/** A copy without anything else that the object may have. */
export function provenanceOf({ seed, engine, teacher, data }: Provenance): Provenance {
  return structuredClone({ seed, engine, teacher, data });
}

/** What a sub-model knows: indices among all classes that the fleet serves, in the order of its logits. */
export const subset = {
  classes: z.array(count).min(1),
  /** Whether one more logit, the last, stands for every other class. */
  other: z.boolean(),
};

/** Tensor against tensor: |found - expected| <= tolerance * max(1, largest |expected|). */
export const tolerance = z.number().positive().max(1e-2);

/** Costs by the architecture; undefined where it is none that anything can be computed of. */
export function costsOf(architecture: Architecture): Costs | undefined {
  if (!isConsistent(architecture)) return undefined;
  try {
    const costs = modelCosts(architecture);
    return Object.values(costs).every((value) => Number.isSafeInteger(value) && value > 0)
      ? costs
      : undefined;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Patches and heads divide evenly; layers, where they are listed, are as many and as large as the rest says. */
function isConsistent(facts: Architecture): boolean {
  const { imageSize, patchSize, width, heads, depth, hidden, layers, family } = facts;
  if (patchGrid(imageSize, patchSize) === null) return false;
  if (layers === undefined) return width % heads === 0;
  const largest = (key: 'heads' | 'hidden') => Math.max(...layers.map((layer) => layer[key]));
  return (
    !isDefaultFamily(family) &&
    layers.length === depth &&
    largest('heads') === heads &&
    largest('hidden') === hidden
  );
}

/** Bytes that the header of a weight file may take. */
export function headerBytesAtMost(architecture: Architecture): number {
  return 4096 + 256 * Object.keys(canonicalShapes(architecture)).length;
}

/** Ascending and distinct, below `classes`. */
export function areClasses(indices: readonly number[], classes = Infinity): boolean {
  return indices.every((index, i) => index < classes && (i === 0 || index > indices[i - 1]!));
}

/** The first name that comes twice, whatever its case: some file systems know none. */
export function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name.toLowerCase()).size);
}
