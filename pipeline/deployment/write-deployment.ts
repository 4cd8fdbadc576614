import type { DeploymentManifest } from './deployment-manifest.ts';
import type { DeploymentInput } from './input.ts';

/**
 * Writes a whole deployment into `folder`, which the caller publishes: a package for each device, one for the coordinator,
 * and `deployment.json` over them. Equal input gives equal bytes. An engine is loaded.
 *
 * @throws BlockForgeError `gate-failed`, `out-of-space`
 */
export function writeDeployment(
  _folder: string,
  _input: DeploymentInput,
  _signal?: AbortSignal,
): Promise<DeploymentManifest> {
  return Promise.reject(new Error('not there yet'));
}
