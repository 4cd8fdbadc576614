import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoordinatorManifest } from '../../pipeline/deployment/coordinator-manifest.ts';
import type { DeploymentManifest } from '../../pipeline/deployment/deployment-manifest.ts';
import type { DeviceManifest } from '../../pipeline/deployment/device-manifest.ts';
import { withSafetensors, writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { vouchFor } from '../library/damage.ts';

export interface Manifests {
  readonly 'deployment.json': DeploymentManifest;
  readonly 'coordinator/manifest.json': CoordinatorManifest;
  readonly [device: `devices/${string}/manifest.json`]: DeviceManifest;
  /** Of a package alone. */
  readonly 'manifest.json': unknown;
}

/** Changes one manifest of a deployment; `seal` makes the others vouch for it. */
export async function rewriteManifest<Name extends keyof Manifests>(
  deployment: string,
  name: Name,
  change: (manifest: Manifests[Name]) => unknown,
): Promise<void> {
  const path = join(deployment, name);
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifests[Name];
  await writeFile(path, JSON.stringify(change(manifest) ?? manifest));
}

/** Writes tensors of a package again and has its manifest vouch for them. */
export async function rewriteTensors(
  folder: string,
  file: string,
  change: (tensors: NamedArrays, metadata: Record<string, string>) => unknown,
): Promise<void> {
  const path = join(folder, file);
  const [tensors, metadata] = await withSafetensors(path, async (open) => {
    const read: NamedArrays = {};
    for (const name of open.names)
      read[name] = { shape: open.info(name).shape, data: await open.readTyped(name) };
    return [read, { ...open.metadata }];
  });
  change(tensors, metadata);
  await writeSafetensors(path, tensors, metadata);
  await vouchFor(folder, file);
}

/** Enters the packages as they are now wherever others name them: damage that only looking inside can find. */
export async function seal(deployment: string): Promise<void> {
  const hashes = new Map<string, string>();
  const { devices } = JSON.parse(
    await readFile(join(deployment, 'deployment.json'), 'utf8'),
  ) as DeploymentManifest;
  for (const { name } of devices)
    hashes.set(name, await sha256File(join(deployment, 'devices', name, 'manifest.json')));
  const enter = (entries: { name: string; manifestSha256: string }[]) => {
    for (const entry of entries) entry.manifestSha256 = hashes.get(entry.name) ?? entry.manifestSha256;
  };
  await rewriteManifest(deployment, 'coordinator/manifest.json', ({ devices }) => enter(devices));
  const coordinator = await sha256File(join(deployment, 'coordinator/manifest.json'));
  await rewriteManifest(deployment, 'deployment.json', (manifest) => {
    enter(manifest.devices);
    manifest.coordinator.manifestSha256 = coordinator;
  });
}
