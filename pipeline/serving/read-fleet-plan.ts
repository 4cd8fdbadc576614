import type { Coordinator } from '../deployment/coordinator.ts';
import { fuse } from '../submodels/fusion/fuse.ts';
import type { FleetPlan } from './fleet-plan.ts';

/**
 * What a coordinator's package says of its fleet, with its fusion in memory. What is computed once for each missing device
 * is computed here, so that the first one that is missed costs no image its deadline.
 * @throws BlockForgeError `library-invalid`, `file-invalid`
 */
export async function readFleetPlan(coordinator: Coordinator): Promise<FleetPlan> {
  const head = await coordinator.readFusion();
  const { manifest } = coordinator;
  const { devices, models } = manifest;
  if (devices.length > 1) {
    for (const { name } of devices) {
      fuse(
        head,
        models.map(({ device, featureWidth }) =>
          device === name ? undefined : new Float32Array(featureWidth),
        ),
      );
    }
  }
  return {
    name: manifest.deployment,
    preprocessing: manifest.preprocessing,
    classes: manifest.classes,
    classNames: manifest.classNames,
    devices: devices.map(({ name, manifestSha256 }) => ({ name, packageSha256: manifestSha256 })),
    models: models.map(({ name, device, featureWidth, classes }) => ({
      id: name,
      device,
      width: featureWidth,
      classes: classes.length,
    })),
    fuse: (features) => fuse(head, features),
  };
}
