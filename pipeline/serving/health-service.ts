import {
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { HealthReply } from './protocol.ts';

type Question = { readonly service: string };

/** The standard health service; without a token, and it tells nothing but this. */
export interface HealthService {
  readonly implementation: UntypedServiceImplementation;
  /** From now on it is about to end; whoever watches is told. */
  readonly stop: () => void;
}

/** @param services that are served, by their full names; '' is the whole server */
export function healthService(services: readonly string[]): HealthService {
  let serving = true;
  const watchers = new Set<ServerWritableStream<Question, HealthReply>>();
  const isKnown = (service: string): boolean => service === '' || services.includes(service);
  const now = (): HealthReply => ({ status: serving ? 'SERVING' : 'NOT_SERVING' });
  return {
    implementation: {
      Check({ request }: ServerUnaryCall<Question, HealthReply>, reply: sendUnaryData<HealthReply>): void {
        if (isKnown(request.service)) reply(null, now());
        else reply({ code: status.NOT_FOUND, details: 'no such service' });
      },
      Watch(call: ServerWritableStream<Question, HealthReply>): void {
        if (!isKnown(call.request.service)) {
          call.write({ status: 'SERVICE_UNKNOWN' });
          return;
        }
        watchers.add(call);
        call.on('cancelled', () => watchers.delete(call));
        call.write(now());
      },
    },
    stop() {
      serving = false;
      for (const watcher of watchers) {
        watcher.write(now());
        watcher.end();
      }
      watchers.clear();
    },
  };
}
