import { z } from 'zod';
import type { DocumentKind } from '../library/document.ts';
import { digest, positive } from '../library/manifest-parts.ts';
import { classNames, deploymentSchemaVersion, packageName, provenance, repeated, tool } from './parts.ts';

const amount = z.number().positive();

/** What a device was said to have; what is missing has no limit. */
const limits = z.strictObject({
  memoryBytes: amount.optional(),
  macs: amount.optional(),
  latencyMs: amount.optional(),
  macsPerSecond: amount.optional(),
  energyPerMacJ: amount.optional(),
  energyJ: amount.optional(),
});

const device = z.strictObject({
  name: packageName,
  /** Of `devices/<name>/manifest.json`. */
  manifestSha256: digest,
  /** Names of the sub-models that it hosts. */
  models: z.array(packageName).min(1),
  params: positive,
  /** Of all its weights. */
  sizeBytes: positive,
  /** Multiply-adds for one image, all its models together. */
  macs: positive,
  limits: limits.optional(),
});

/** The contract of a whole deployment: `deployment.json`, over the packages below it. */
const shape = z.strictObject({
  $schema: z.literal('deployment.schema.json'),
  kind: z.literal('blockforge-deployment'),
  schemaVersion: z.literal(deploymentSchemaVersion),
  tool,
  name: packageName,
  classes: positive,
  classNames,
  devices: z.array(device).min(1),
  /** Of `coordinator/manifest.json`. */
  coordinator: z.strictObject({ manifestSha256: digest }),
  /** Numbers that were measured of it, as whoever exported it gave them. */
  measured: z.record(z.string(), z.json()).optional(),
  /** The resolved config of the run, without paths of the machine it ran on. */
  config: z.record(z.string(), z.json()).optional(),
  provenance,
});

export const deploymentManifestSchema = shape.superRefine(({ devices, ...manifest }, context) => {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const twice = repeated(devices.map(({ name }) => name));
  if (twice !== undefined) problem(['devices'], `expected names of their own, found ${twice} twice`);
  const model = repeated(devices.flatMap(({ models }) => models));
  if (model !== undefined) problem(['devices'], `expected each model once, found ${model} twice`);
  if (manifest.classNames !== null && manifest.classNames.length !== manifest.classes)
    problem(['classNames'], `expected ${manifest.classes}`);
});

export type DeploymentManifest = z.infer<typeof deploymentManifestSchema>;
export type DeploymentDevice = DeploymentManifest['devices'][number];
export type DeviceLimits = z.infer<typeof limits>;

/** `deployment.json` as it is read: see `inspectDocument`. */
export const deploymentKind: DocumentKind<DeploymentManifest> = {
  kind: 'blockforge-deployment',
  title: 'deployment manifest',
  version: deploymentSchemaVersion,
  schema: deploymentManifestSchema,
  next: 'copy the deployment again, or export it again',
  reason: 'library-invalid',
  maxBytes: 16 * 2 ** 20,
};

/** The JSON Schema (draft 2020-12) that lies beside it. */
export function deploymentJsonSchema(): Record<string, unknown> {
  const title = `BlockForge deployment manifest, version ${deploymentSchemaVersion}`;
  return { ...z.toJSONSchema(deploymentManifestSchema), title };
}

export const deploymentFile = 'deployment.json';
export const coordinatorFolder = 'coordinator';

/** Where a device's package lies below the deployment. */
export function deviceFolder(name: string): string {
  return `devices/${name}`;
}
