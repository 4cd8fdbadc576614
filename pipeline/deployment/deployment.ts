import { join } from 'node:path';
import { fail } from '../util/failure.ts';
import type { OpenOptions } from '../library/open.ts';
import { openCoordinator, type Coordinator } from './coordinator.ts';
import {
  coordinatorFolder,
  deploymentFile,
  deploymentKind,
  deviceFolder,
  type DeploymentManifest,
} from './deployment-manifest.ts';
import { openDevicePackage, type DevicePackage } from './device-package.ts';
import { openPackage, type OpenPackage } from './open-package.ts';

/** A whole deployment, opened: the packages below it are opened when they are asked for. */
export interface Deployment extends OpenPackage<DeploymentManifest> {
  /** @throws BlockForgeError `file-missing`, `library-invalid`, also where it is not the package that the deployment names */
  device(name: string): Promise<DevicePackage>;
  coordinator(): Promise<Coordinator>;
}

/**
 * Opens the folder of a deployment; see `openPackage`. Loads no engine.
 * @param path the folder, or its deployment.json
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openDeployment(path: string, options: OpenOptions = {}): Promise<Deployment> {
  const opened = await openPackage(path, deploymentFile, deploymentKind, () => [], options);
  const { folder, manifest } = opened;
  return {
    ...opened,
    async device(name) {
      const entry =
        manifest.devices.find((device) => device.name === name) ??
        fail({
          reason: 'library-invalid',
          subject: folder,
          found: `no device ${JSON.stringify(name)}`,
          expected: `one of ${manifest.devices.map((device) => device.name).join(', ')}`,
        });
      const opened = await openDevicePackage(join(folder, deviceFolder(name)), options);
      requireSame(opened, entry.manifestSha256);
      return opened;
    },
    async coordinator() {
      const opened = await openCoordinator(join(folder, coordinatorFolder), options);
      requireSame(opened, manifest.coordinator.manifestSha256);
      return opened;
    },
  };
}

function requireSame({ folder, manifestSha256 }: OpenPackage<unknown>, expected: string): void {
  if (manifestSha256 === expected) return;
  fail({
    reason: 'library-invalid',
    subject: join(folder, 'manifest.json'),
    found: `sha256 ${manifestSha256}`,
    expected: `${expected}, as the deployment says`,
    next: deploymentKind.next,
  });
}
