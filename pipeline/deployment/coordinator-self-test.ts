import { withSafetensors } from '../model/safetensors.ts';
import type { CoordinatorManifest } from './coordinator-manifest.ts';
import { readFloats } from './device-self-test.ts';

/** Vectors of all sub-models, and what the fusion must make of them. */
export interface CoordinatorSelfTest {
  readonly examples: number;
  /** In the order of the manifest's models: [examples, featureWidth], row by row. */
  readonly features: readonly Float32Array[];
  /** [examples, K] */
  readonly logits: Float32Array;
  /** The same with one device missing, by its name; none where there is one device. */
  readonly without: ReadonlyMap<string, Float32Array>;
  /** |found - expected| <= tolerance * max(1, largest |expected|). */
  readonly tolerance: number;
}

export const coordinatorExamples = 4;
/** Both sides are plain float arithmetic in one order; processors differ in exponentials at most. */
export const coordinatorTolerance = 1e-5;

/** @throws BlockForgeError `library-invalid` where a tensor has another shape; `file-invalid` */
export async function readCoordinatorSelfTest(
  path: string,
  { selfTest, models, devices, classes }: CoordinatorManifest,
): Promise<CoordinatorSelfTest> {
  const { examples, tolerance } = selfTest;
  return withSafetensors(path, async (file) => {
    const features: Float32Array[] = [];
    for (const { name, featureWidth } of models)
      features.push(await readFloats(file, `${name}.features`, [examples, featureWidth]));
    const without = new Map<string, Float32Array>();
    for (const { name } of devices.length > 1 ? devices : [])
      without.set(name, await readFloats(file, `logits.without.${name}`, [examples, classes]));
    const logits = await readFloats(file, 'logits', [examples, classes]);
    return { examples, features, logits, without, tolerance };
  });
}

/**
 * Fuses a self-test's examples one by one. -> [examples, K]
 * @param features by model, [examples, featureWidth] each
 * @param missing a device whose models do not answer
 */
export function fusedRows(
  fuse: (features: readonly (Float32Array | undefined)[]) => Float32Array,
  features: readonly Float32Array[],
  { models, classes }: Pick<CoordinatorManifest, 'models' | 'classes'>,
  missing?: string,
): Float32Array {
  const examples = features[0]!.length / models[0]!.featureWidth;
  const rows = new Float32Array(examples * classes);
  for (let example = 0; example < examples; example++) {
    const vectors = models.map(({ device, featureWidth }, index) =>
      device === missing
        ? undefined
        : features[index]!.subarray(example * featureWidth, (example + 1) * featureWidth),
    );
    rows.set(fuse(vectors), example * classes);
  }
  return rows;
}
