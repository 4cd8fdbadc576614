import type { PackageKind } from '../deployment/open-package.ts';
import { verifyCoordinator, type CoordinatorVerification } from './coordinator.ts';
import { verifyDeployment, type DeploymentVerification } from './deployment.ts';
import { verifyDevice, type DeviceVerification } from './device.ts';
import type { VerifyOptions } from './finding.ts';

export type PackageVerification = DeploymentVerification | DeviceVerification | CoordinatorVerification;

/** Verifies what `findPackage` found. Computes with an engine where there are sub-models. */
export function verifyPackage(
  { kind, manifestPath }: { readonly kind: PackageKind; readonly manifestPath: string },
  options: VerifyOptions,
): Promise<PackageVerification> {
  switch (kind) {
    case 'deployment':
      return verifyDeployment(manifestPath, options);
    case 'device':
      return verifyDevice(manifestPath, options);
    case 'coordinator':
      return verifyCoordinator(manifestPath, options);
  }
}
