import { z } from 'zod';
import type { DocumentKind } from '../library/document.ts';
import { digest, file, positive, preprocessing } from '../library/manifest-parts.ts';
import {
  areClasses,
  classNames,
  deploymentSchemaVersion,
  packageName,
  provenance,
  repeated,
  subset,
  tolerance,
  tool,
} from './parts.ts';
import { selfTestPath } from './device-manifest.ts';

/**
 * The contract of the coordinator, who fuses the vectors that devices send: `manifest.json` in its folder. It stands alone;
 * devices are known to it by name and by the hash of their manifests.
 */
const shape = z.strictObject({
  $schema: z.literal('manifest.schema.json'),
  kind: z.literal('blockforge-coordinator'),
  schemaVersion: z.literal(deploymentSchemaVersion),
  tool,
  deployment: packageName,
  /** K: how many classes the fleet serves together. */
  classes: positive,
  classNames,
  /** Image to model input, the same on all devices. */
  preprocessing,
  devices: z.array(z.strictObject({ name: packageName, manifestSha256: digest })).min(1),
  /** In the order in which the fusion takes their vectors. */
  models: z
    .array(z.strictObject({ name: packageName, device: packageName, ...subset, featureWidth: positive }))
    .min(1),
  fusion: z.strictObject({ file }),
  selfTest: z.strictObject({
    file,
    examples: positive,
    /** `<model>.features` [examples, featureWidth]; `logits` [examples, K], and `logits.without.<device>` with that one missing. */
    tolerance,
  }),
  provenance,
});

export const coordinatorManifestSchema = shape.superRefine(checkReferences);

export type CoordinatorManifest = z.infer<typeof coordinatorManifestSchema>;
export type CoordinatorModel = CoordinatorManifest['models'][number];

/** `manifest.json` of a coordinator as it is read: see `inspectDocument`. */
export const coordinatorKind: DocumentKind<CoordinatorManifest> = {
  kind: 'blockforge-coordinator',
  title: 'coordinator manifest',
  version: deploymentSchemaVersion,
  schema: coordinatorManifestSchema,
  next: "copy the coordinator's folder again, or export the deployment again",
  reason: 'library-invalid',
  maxBytes: 16 * 2 ** 20,
};

/** The JSON Schema (draft 2020-12) that lies beside it. */
export function coordinatorJsonSchema(): Record<string, unknown> {
  const title = `BlockForge coordinator manifest, version ${deploymentSchemaVersion}`;
  return { ...z.toJSONSchema(coordinatorManifestSchema), title };
}

export const fusionPath = 'fusion.safetensors';

function checkReferences(manifest: z.infer<typeof shape>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const { devices, models, classes } = manifest;
  for (const [member, names] of [
    ['devices', devices.map(({ name }) => name)],
    ['models', models.map(({ name }) => name)],
  ] as const) {
    const twice = repeated(names);
    if (twice !== undefined) problem([member], `expected names of their own, found ${twice} twice`);
  }
  if (manifest.classNames !== null && manifest.classNames.length !== classes)
    problem(['classNames'], `expected ${classes}`);
  if (manifest.fusion.file.path !== fusionPath) problem(['fusion', 'file'], `expected ${fusionPath}`);
  if (manifest.selfTest.file.path !== selfTestPath) problem(['selfTest', 'file'], `expected ${selfTestPath}`);
  models.forEach(({ device, classes: own }, index) => {
    if (!devices.some(({ name }) => name === device)) problem(['models', index, 'device'], 'no such device');
    if (!areClasses(own, classes))
      problem(['models', index, 'classes'], `expected ascending indices below ${classes}`);
  });
  devices.forEach(({ name }, index) => {
    if (!models.some(({ device }) => device === name))
      problem(['devices', index], 'expected at least one model on it');
  });
}
