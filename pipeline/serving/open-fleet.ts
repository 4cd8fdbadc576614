import { fail } from '../util/failure.ts';
import { addressText, type Address } from './address.ts';
import { WrongDevice } from './check-description.ts';
import { deviceLink, type DeviceLink } from './device-link.ts';
import { askFleet, type FleetAnswer } from './ask-fleet.ts';
import type { FleetPlan } from './fleet-plan.ts';
import type { ImageBytes } from './protocol.ts';

export interface FleetOptions {
  /** By device; those that are not named are missing from the start. */
  readonly addresses: ReadonlyMap<string, Address>;
  /** Milliseconds until an image is answered from whoever answered. */
  readonly deadlineMs: number;
  /** Until a device is down that has not been connected to; default 2,000. */
  readonly connectMs?: number | undefined;
  /** PEM of whoever signed the devices' certificates; without it nothing is encrypted. */
  readonly ca?: Buffer | undefined;
  readonly token?: string | undefined;
}

/** The devices of a deployment, connected to: images in, classes out. `close` it. */
export interface Fleet {
  readonly plan: FleetPlan;
  readonly links: readonly DeviceLink[];
  /** @throws BlockForgeError `device-unavailable` where no device answers, `data-invalid` where the image is at fault */
  readonly predict: (image: ImageBytes, name: string) => Promise<FleetAnswer>;
  readonly close: () => void;
}

const defaultConnectMs = 2000;

/**
 * Connects to all devices at once.
 * @throws BlockForgeError `usage` for a name that is none of the fleet's, `device-unavailable` where an address answers that
 *   is not the device it should be, or where none answers
 */
export async function openFleet(plan: FleetPlan, options: FleetOptions): Promise<Fleet> {
  const { addresses, deadlineMs, connectMs = defaultConnectMs, ca, token } = options;
  requireKnown(plan, addresses);
  const links = plan.devices.flatMap((device) => {
    const address = addresses.get(device.name);
    const models = plan.models.filter((model) => model.device === device.name);
    return address === undefined ? [] : [deviceLink({ address, device, models, ca, token })];
  });
  const close = (): void => {
    for (const link of links) link.close();
  };
  try {
    await Promise.all(links.map((link) => link.connect(connectMs)));
    requireUsable(links);
  } catch (error) {
    close();
    throw error;
  }
  return {
    plan,
    links,
    predict: (image, name) => askFleet({ plan, links, image, name, deadlineMs }),
    close,
  };
}

function requireKnown({ devices, name }: FleetPlan, addresses: ReadonlyMap<string, Address>): void {
  const names = devices.map((device) => device.name);
  const unknown = [...addresses.keys()].find((given) => !names.includes(given));
  if (unknown === undefined && addresses.size > 0) return;
  fail({
    reason: 'usage',
    subject: '--devices',
    found: unknown === undefined ? 'no device named' : `${name} has no device "${unknown}"`,
    expected: `NAME=HOST:PORT,... of ${names.join(', ')}`,
  });
}

/** A device that is not there may come; one that is another one is a mistake. */
function requireUsable(links: readonly DeviceLink[]): void {
  const wrong = links.find(({ problem }) => problem instanceof WrongDevice);
  if (wrong !== undefined) {
    fail({
      reason: 'device-unavailable',
      subject: `${wrong.device.name} at ${addressText(wrong.address)}`,
      found: wrong.problem?.message ?? '',
      next: 'give each device its own address, and the package of this deployment',
    });
  }
  if (links.some(({ state }) => state === 'up')) return;
  fail({
    reason: 'device-unavailable',
    subject: 'the fleet',
    found: `no device can be used:\n${links.map(({ device, address, problem }) => `    ${device.name} at ${addressText(address)}: ${problem?.message}`).join('\n')}`,
    next: 'npm run pipeline -- serve PACKAGE on each device; look at the addresses, --tls-ca and --token-file',
  });
}
