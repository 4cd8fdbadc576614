import { createSecureContext } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { fail } from '../util/failure.ts';
import { addressText, type Address } from './address.ts';
import { createAdmission } from './admission.ts';
import { deviceService } from './device-service.ts';
import { healthService } from './health-service.ts';
import { deviceProtocol, healthProtocol } from './protocol.ts';
import type { ServedDevice } from './served-device.ts';
import { defaultLimits, type ServingLimits } from './serving-limits.ts';
import { guardOf } from './token.ts';

export interface DeviceServerOptions {
  /** Port 0 picks a free one. */
  readonly listen: Address;
  readonly limits?: ServingLimits | undefined;
  /** PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly token?: string | undefined;
  readonly version: string;
  /** Told of failures that are the device's own; what a client does wrong is told to the client alone. */
  readonly onProblem?: ((error: unknown) => void) | undefined;
}

export interface DeviceServer {
  readonly address: Address;
  /** Takes nothing new, answers what has been taken, and ends what is not answered in time. The engine stays open. */
  readonly drain: (graceMs: number) => Promise<void>;
}

/** HTTP/2 lets a sender go on for so long without hearing from the receiver: an image goes out in one piece. */
const windowBytes = 2 ** 20;

/**
 * Serves a device on a socket.
 * @throws BlockForgeError `place-unusable` where it cannot listen there, `file-invalid` for a certificate that is none
 */
export async function startDeviceServer(
  device: ServedDevice,
  { listen, limits = defaultLimits, tls, token, version, onProblem = () => undefined }: DeviceServerOptions,
): Promise<DeviceServer> {
  const credentials = credentialsOf(tls);
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    // Those above wait in the client; each holds a message in memory here.
    'grpc.max_concurrent_streams': limits.maxRunning + limits.maxWaiting + 8,
    'grpc-node.flow_control_window': windowBytes,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Another process on the same port would take turns with this one.
    'grpc.so_reuseport': 0,
  });
  const admission = createAdmission(limits);
  const guard = guardOf(token);
  const health = healthService([deviceProtocol.Extract.path.split('/')[1]!]);
  server.addService(deviceProtocol, deviceService(device, { limits, admission, guard, version, onProblem }));
  server.addService(healthProtocol, health.implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(addressText(listen), credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  }).catch((error: unknown) => {
    server.forceShutdown();
    return fail(
      {
        reason: 'place-unusable',
        subject: `--listen ${addressText(listen)}`,
        found: (error as Error).message,
        next: 'choose another port (0 picks a free one), or end what listens there',
      },
      error,
    );
  });
  return {
    address: { host: listen.host, port },
    async drain(graceMs) {
      health.stop();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      await admission.idle();
    },
  };
}

function credentialsOf(tls: DeviceServerOptions['tls']): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  try {
    // The library finds out too late, while listening, that a key is another certificate's.
    createSecureContext(tls);
    return ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  } catch (error) {
    return fail(
      { reason: 'file-invalid', subject: '--tls-cert, --tls-key', found: (error as Error).message },
      error,
    );
  }
}
