import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import type { Deployment } from '../deployment/deployment.ts';
import { deviceFolder } from '../deployment/deployment-manifest.ts';
import type { Address } from './address.ts';
import { startDeviceProcess, type DeviceProcess } from './device-process.ts';

/** All devices of a deployment, each in a process on this machine. `close` it. */
export interface LocalFleet {
  readonly addresses: ReadonlyMap<string, Address>;
  /** Of those that run. */
  readonly pids: () => readonly number[];
  /** Ends a device as a crash would, and starts it again at the same address; resolves when it serves again. */
  readonly crash: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface LocalFleetOptions {
  /** Of each device; default: its share of this machine's processors, at least one. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws BlockForgeError `job-failed` where one does not start */
export async function startLocalFleet(
  { folder, manifest }: Deployment,
  options: LocalFleetOptions = {},
): Promise<LocalFleet> {
  const names = manifest.devices.map(({ name }) => name);
  const { signal, threads = Math.max(1, Math.floor(availableParallelism() / names.length)) } = options;
  const running = new Map<string, DeviceProcess>();
  const addresses = new Map<string, Address>();
  let closed = false;
  const start = async (name: string, port: number): Promise<void> => {
    const started = await startDeviceProcess({
      packageFolder: join(folder, deviceFolder(name)),
      address: { host: '127.0.0.1', port },
      threads,
      signal,
    });
    if (closed) return started.kill();
    running.set(name, started);
    addresses.set(name, started.address);
  };
  const close = async (): Promise<void> => {
    closed = true;
    await Promise.all([...running.values()].map((device) => device.stop()));
  };
  const started = await Promise.allSettled(names.map((name) => start(name, 0)));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return {
    addresses,
    pids: () => [...running.values()].filter(({ hasEnded }) => !hasEnded).map(({ pid }) => pid),
    async crash(name) {
      await running.get(name)?.kill();
      const port = addresses.get(name)?.port;
      if (!closed && port !== undefined) await start(name, port);
    },
    close,
  };
}
