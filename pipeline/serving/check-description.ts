import type { PlannedDevice, PlannedModel } from './fleet-plan.ts';
import { LinkProblem } from './link-problem.ts';
import { protocolVersion, type Description } from './protocol.ts';

/**
 * Whether what a device says of itself is what the coordinator was made for.
 * @throws LinkProblem `down`, naming both
 */
export function checkDescription(
  { device, packageSha256, models, protocol }: Description,
  planned: PlannedDevice,
  plannedModels: readonly PlannedModel[],
): void {
  if (protocol !== protocolVersion) wrong(`speaks protocol ${protocol}, not ${protocolVersion}`);
  if (device !== planned.name) wrong(`this is the device ${JSON.stringify(device)}, not "${planned.name}"`);
  const found = Buffer.from(packageSha256).toString('hex');
  if (found !== planned.packageSha256) {
    wrong(
      `serves another package: its manifest has sha256 ${found.slice(0, 12)}..., ` +
        `this deployment's has ${planned.packageSha256.slice(0, 12)}...`,
    );
  }
  for (const { id, width } of plannedModels) {
    if (!models.some((model) => model.id === id && model.width === width))
      wrong(`has no sub-model ${id} of ${width} features`);
  }
}

function wrong(why: string): never {
  throw new WrongDevice(why);
}

/** It answers, and is not the one that is meant. */
export class WrongDevice extends LinkProblem {
  constructor(why: string) {
    super('down', why);
  }
}
