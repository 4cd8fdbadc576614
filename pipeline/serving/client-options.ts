import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { fail } from '../util/failure.ts';
import type { Address } from './address.ts';

/** TLS names no addresses when it begins: this stands there for one, and is nothing that is checked. */
const nameOfAddress = 'blockforge-device';

/**
 * How a coordinator speaks to a device: connections that died are noticed (a device without power sends nothing), and
 * tried again soon, not after the two minutes that are gRPC's default. What is not answered is not sent again: the next
 * image is on its way.
 */
export function channelOptions({ host }: Address, maxReplyBytes: number): ChannelOptions {
  return {
    'grpc.max_receive_message_length': maxReplyBytes,
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    'grpc.keepalive_time_ms': 5000,
    'grpc.keepalive_timeout_ms': 2000,
    // A device is where its address says, not behind what the environment names for the web.
    'grpc.enable_http_proxy': 0,
    ...(isIP(host) !== 0 && { 'grpc.ssl_target_name_override': nameOfAddress }),
  };
}

/**
 * @param ca PEM of whoever signed the device's certificate, which has to be for the name or the address that it is asked by
 * @throws BlockForgeError `file-invalid`
 */
export function channelCredentials({ host }: Address, ca: Buffer | undefined): ChannelCredentials {
  if (ca === undefined) return credentials.createInsecure();
  const forAddress = isIP(host) !== 0 && {
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(host, certificate),
  };
  try {
    return credentials.createSsl(ca, null, null, forAddress === false ? {} : forAddress);
  } catch (error) {
    return fail({ reason: 'file-invalid', subject: '--tls-ca', found: (error as Error).message }, error);
  }
}
