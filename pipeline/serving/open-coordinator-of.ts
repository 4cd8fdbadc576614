import { openCoordinator, type Coordinator } from '../deployment/coordinator.ts';
import { openDeployment } from '../deployment/deployment.ts';
import { findPackage } from '../deployment/open-package.ts';
import { fail } from '../util/failure.ts';

/**
 * The coordinator's package in a deployment, or by itself as it was copied to where images come in.
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openCoordinatorOf(path: string): Promise<Coordinator> {
  const found = await findPackage(path);
  if (found?.kind === 'coordinator') return openCoordinator(path);
  if (found?.kind === 'device') {
    fail({
      reason: 'usage',
      subject: path,
      found: 'the package of one device, which cannot tell classes by itself',
      expected: 'a deployment, or the folder coordinator/ of one',
    });
  }
  return (await openDeployment(path)).coordinator();
}
