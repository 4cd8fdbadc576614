import { fail } from '../../util/failure.ts';
import type { Unfit } from './fit.ts';

/**
 * Refuses a fleet that cannot hold its sub-models, with the device and the limit in the way.
 * @param subject where the devices are said: a file with its place
 * @throws BlockForgeError `config-invalid`
 */
export function refuseFit(unfit: Unfit, subject: string): never {
  return fail({ reason: 'config-invalid', subject, found: unfit.device });
}
