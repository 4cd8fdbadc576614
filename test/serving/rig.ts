import { setTimeout as sleep } from 'node:timers/promises';
import type { Preprocessing } from '../../datasets/contract.ts';
import type { Address } from '../../pipeline/serving/address.ts';
import type { FleetPlan } from '../../pipeline/serving/fleet-plan.ts';
import { openFleet, type Fleet, type FleetOptions } from '../../pipeline/serving/open-fleet.ts';
import type { ServedDevice } from '../../pipeline/serving/served-device.ts';
import {
  startDeviceServer,
  type DeviceServer,
  type DeviceServerOptions,
} from '../../pipeline/serving/start-device-server.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { present } from '../support/present.ts';

/** Grey images of 4 x 6. */
export const preprocessing: Preprocessing = {
  resize: null,
  resizeMode: 'stretch',
  interpolation: 'bilinear',
  crop: [4, 6],
  channels: 1,
  mean: [0],
  std: [1],
};

export const pixels = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);

/** How a made-up device behaves; may be changed while it serves. */
export interface Behaviour {
  delayMs?: number;
  features?: readonly number[];
  throws?: string;
  /** Images that it has computed. */
  computed: number;
  /** The last one, [1, 4, 6]. */
  image?: Float32Array;
}

/** A device of one model of two features: its number, and 1. */
export function madeUpDevice(index: number): { device: ServedDevice; behaviour: Behaviour } {
  const behaviour: Behaviour = { computed: 0 };
  const device: ServedDevice = {
    name: `d${index}`,
    packageSha256: sha256(`package ${index}`),
    preprocessing,
    models: [{ id: `m${index}`, width: 2 }],
    engine: {
      description: 'made up 1.0',
      async extract(image) {
        behaviour.image = image.slice();
        behaviour.computed++;
        if (behaviour.delayMs !== undefined) await sleep(behaviour.delayMs);
        if (behaviour.throws !== undefined) throw new Error(behaviour.throws);
        return [Float32Array.from(behaviour.features ?? [index, 1])];
      },
      close: () => Promise.resolve(),
    },
  };
  return { device, behaviour };
}

/** A fleet of these devices: the logit of class i is the second feature of model i, or 0 where it is missing. */
export function planOf(devices: readonly ServedDevice[]): FleetPlan {
  return {
    name: 'rig',
    preprocessing,
    classes: devices.length,
    classNames: null,
    devices: devices.map(({ name, packageSha256 }) => ({ name, packageSha256 })),
    models: devices.map(({ name }, index) => ({ id: `m${index}`, device: name, width: 2, classes: 3 })),
    fuse: (features) => Float32Array.from(features, (feature) => (feature === undefined ? 0 : feature[1]!)),
  };
}

export interface Rig {
  readonly behaviours: readonly Behaviour[];
  readonly servers: (DeviceServer | undefined)[];
  readonly devices: readonly ServedDevice[];
  readonly plan: FleetPlan;
  readonly problems: unknown[];
  readonly address: (index: number) => Address;
  /** Connects; closed with the rig. */
  readonly fleet: (options?: Partial<FleetOptions>) => Promise<Fleet>;
  /** Ends a device as a crash would, and starts it again on its port. */
  readonly stop: (index: number) => Promise<void>;
  readonly restart: (index: number, device?: ServedDevice) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** So many devices that serve in this process, each on a port of its own. */
export async function startRig(count: number, options: Partial<DeviceServerOptions> = {}): Promise<Rig> {
  const made = Array.from({ length: count }, (_, index) => madeUpDevice(index));
  const devices = made.map(({ device }) => device);
  const problems: unknown[] = [];
  const start = (device: ServedDevice, port: number) =>
    startDeviceServer(device, {
      listen: { host: '127.0.0.1', port },
      version: '0',
      onProblem: (problem) => problems.push(problem),
      ...options,
    });
  const servers: (DeviceServer | undefined)[] = await Promise.all(devices.map((device) => start(device, 0)));
  const addresses = new Map(servers.map((server, index) => [`d${index}`, present(server).address]));
  const address = (index: number): Address => present(addresses.get(`d${index}`));
  const fleets: Fleet[] = [];
  const plan = planOf(devices);
  const stop = async (index: number): Promise<void> => {
    await servers[index]?.drain(0);
    servers[index] = undefined;
  };
  return {
    behaviours: made.map(({ behaviour }) => behaviour),
    devices,
    servers,
    plan,
    problems,
    async fleet(asked = {}) {
      const fleet = await openFleet(plan, { addresses, deadlineMs: 5000, ...asked });
      fleets.push(fleet);
      return fleet;
    },
    address,
    stop,
    async restart(index, device = devices[index]!) {
      servers[index] = await start(device, address(index).port);
    },
    async close() {
      for (const fleet of fleets) fleet.close();
      await Promise.all(servers.map((_, index) => stop(index)));
    },
  };
}

/** Until it is so, at most 10 s. */
export async function until(what: () => boolean): Promise<void> {
  for (let waited = 0; !what(); waited += 20) {
    if (waited > 10_000) throw new Error(`not so after 10 s: ${String(what)}`);
    await sleep(20);
  }
}
