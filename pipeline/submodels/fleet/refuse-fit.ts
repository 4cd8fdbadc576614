import { fail } from '../../util/failure.ts';
import type { Unfit } from './fit.ts';

/**
 * Refuses a fleet that cannot hold its sub-models, with the device and the limit in the way.
 * @param subject where the devices are said: a file with its place
 * @throws BlockForgeError `config-invalid`
 */
export function refuseFit(unfit: Unfit, subject: string): never {
  const { level, submodels, hosted, device, limit } = unfit;
  const needed = unfit.needed.toPrecision(4);
  const share = Number(level.level.toPrecision(3));
  return fail({
    reason: 'config-invalid',
    subject,
    found:
      `${submodels} sub-models do not fit: even with ${share} of the teacher's dimensions there is room for ${hosted}; ` +
      `device ${device} stands in the way with ${limit}: ${Number(unfit.available.toPrecision(4))}`,
    expected: `${limit} of at least ${Number(needed)} on ${device}, or room on another device`,
    next: `raise ${limit} of ${device}, add a device, or lower submodel.macs and submodel.size`,
  });
}
