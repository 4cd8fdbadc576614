import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { fail } from '../util/failure.ts';

/**
 * How a coordinator speaks to a device: connections that died are noticed (a device without power sends nothing), and
 * tried again soon, not after the two minutes that are gRPC's default. What is not answered is not sent again: the next
 * image is on its way.
 */
export function channelOptions(maxReplyBytes: number): ChannelOptions {
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
  };
}

/** @param ca PEM of whoever signed the devices' certificates. @throws BlockForgeError `file-invalid` */
export function channelCredentials(ca: Buffer | undefined): ChannelCredentials {
  if (ca === undefined) return credentials.createInsecure();
  try {
    return credentials.createSsl(ca);
  } catch (error) {
    return fail({ reason: 'file-invalid', subject: '--tls-ca', found: (error as Error).message }, error);
  }
}
