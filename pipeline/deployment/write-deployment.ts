import { join } from 'node:path';
import { throughSchema } from '../library/through-schema.ts';
import { withoutFolders } from '../library/without-folders.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { sha256File, type Json } from '../util/hash.ts';
import { known } from '../util/known.ts';
import {
  coordinatorFolder,
  deploymentFile,
  deploymentJsonSchema,
  deploymentManifestSchema,
  deviceFolder,
  type DeploymentDevice,
  type DeploymentManifest,
} from './deployment-manifest.ts';
import { deploymentReadme } from './deployment-readme.ts';
import type { DeploymentInput } from './input.ts';
import { deploymentSchemaVersion, provenanceOf } from './parts.ts';
import { writeCoordinator } from './write-coordinator.ts';
import { writeDevice } from './write-device.ts';

/**
 * Writes a whole deployment into `folder`, which the caller publishes: a package for each device that hosts something, one
 * for the coordinator, and `deployment.json` over them. Equal input gives equal bytes. An engine is loaded.
 *
 * @throws BlockForgeError `gate-failed`, `out-of-space`
 * @throws Error where a model is on no device or on two: a bug of who calls
 */
export async function writeDeployment(
  folder: string,
  input: DeploymentInput,
  signal?: AbortSignal,
): Promise<DeploymentManifest> {
  checkHosts(input);
  const byName = new Map(input.models.map((model) => [model.name, model]));
  const devices: DeploymentDevice[] = [];
  for (const { name, models, limits } of input.devices.filter(({ models }) => models.length > 0)) {
    const below = join(folder, deviceFolder(name));
    const hosted = models.map((model) => known(byName, model));
    const written = await writeDevice(below, name, hosted, input, signal);
    const sum = (key: 'params' | 'sizeBytes' | 'macs') =>
      written.models.reduce((total, model) => total + model[key], 0);
    devices.push({
      name,
      manifestSha256: await sha256File(join(below, 'manifest.json')),
      models: [...models],
      params: sum('params'),
      sizeBytes: sum('sizeBytes'),
      macs: sum('macs'),
      ...(limits && { limits }),
    });
  }
  const below = join(folder, coordinatorFolder);
  await writeCoordinator(
    below,
    devices.map(({ name, manifestSha256 }) => ({ name, manifestSha256 })),
    input,
  );
  const portable = (value: Readonly<Record<string, Json>>) => withoutFolders(value) as Record<string, Json>;
  const manifest = throughSchema(deploymentManifestSchema, {
    $schema: 'deployment.schema.json',
    kind: 'blockforge-deployment',
    schemaVersion: deploymentSchemaVersion,
    tool: { name: 'blockforge', version: input.toolVersion },
    name: input.name,
    classes: input.classes,
    classNames: input.classNames === null ? null : [...input.classNames],
    devices,
    coordinator: { manifestSha256: await sha256File(join(below, 'manifest.json')) },
    ...(input.measured && { measured: portable(input.measured) as DeploymentManifest['measured'] }),
    ...(input.config && { config: portable(input.config) as DeploymentManifest['config'] }),
    provenance: provenanceOf(input),
  });
  await writeJsonAtomic(join(folder, 'deployment.schema.json'), deploymentJsonSchema());
  await writeFileAtomic(join(folder, 'README.md'), deploymentReadme(manifest));
  await writeJsonAtomic(join(folder, deploymentFile), manifest);
  return manifest;
}

function checkHosts({ devices, models }: DeploymentInput): void {
  const hosted = devices.flatMap((device) => device.models).sort();
  const expected = models.map(({ name }) => name).sort();
  if (hosted.join('\0') !== expected.join('\0'))
    throw new Error(`models ${expected.join(', ')} on devices as ${hosted.join(', ')}`);
}
