import { setTimeout as pause } from 'node:timers/promises';
import { Client, status, type Metadata } from '@grpc/grpc-js';
import { addressText, type Address } from './address.ts';
import { channelCredentials, channelOptions } from './client-options.ts';
import { checkDescription } from './check-description.ts';
import { readReply, type LinkReply } from './read-reply.ts';
import type { PlannedDevice, PlannedModel } from './fleet-plan.ts';
import { LinkProblem, linkProblem } from './link-problem.ts';
import { deviceProtocol, packageHeader } from './protocol.ts';
import { readMessage } from './read-message.ts';
import { withToken } from './token.ts';

/**
 * The connection to one device, and what is thought of it: `up` is asked and waited for, `late` missed its last deadline
 * (it is asked, one image at a time, and waited for by nobody), `down` costs nothing until it is found alive again.
 */
export interface DeviceLink {
  readonly device: PlannedDevice;
  readonly address: Address;
  readonly state: 'up' | 'late' | 'down';
  /** Why it is not `up`. */
  readonly problem: LinkProblem | undefined;
  /** Requests that are on their way. */
  readonly asked: number;
  /** Once, first. It is `up` or `down` then; never rejects. */
  readonly connect: (withinMs: number) => Promise<void>;
  /**
   * @param image an `ExtractRequest` in bytes
   * @param deadline in milliseconds since 1970
   * @throws LinkProblem
   */
  readonly extract: (image: Buffer, deadline: number) => Promise<LinkReply>;
  readonly close: () => void;
}

export interface LinkOptions {
  readonly address: Address;
  readonly device: PlannedDevice;
  /** Those on this device. */
  readonly models: readonly PlannedModel[];
  /** PEM of whoever signed its certificate; without it nothing is encrypted. */
  readonly ca?: Buffer | undefined;
  readonly token?: string | undefined;
}

const probeWithinMs = 1000;
const probePauseMs = 100;
/** What a reply holds beside its numbers. */
const replyExtraBytes = 4096;

export function deviceLink({ address, device, models, ca, token }: LinkOptions): DeviceLink {
  const numbers = models.reduce((sum, { width }) => sum + width, 0);
  const client = new Client(
    addressText(address),
    channelCredentials(address, ca),
    channelOptions(address, 4 * numbers + 256 * models.length + replyExtraBytes),
  );
  const { Describe, Extract } = deviceProtocol;
  const packageSha256 = Buffer.from(device.packageSha256, 'hex');
  let state: DeviceLink['state'] = 'down';
  let problem: LinkProblem | undefined = new LinkProblem('down', 'not connected yet');
  let asked = 0;
  let closed = false;
  let probing = false;

  const call = (method: { readonly path: string }, message: Buffer, metadata: Metadata, deadline: number) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        (value: Buffer) => value,
        (value: Buffer) => value,
        message,
        metadata,
        { deadline },
        (error, reply) => {
          if (error !== null) reject(linkProblem(error));
          else resolve(reply ?? Buffer.alloc(0));
        },
      );
    });

  const describe = async (withinMs: number, waits: boolean): Promise<void> => {
    const metadata = withToken(token);
    metadata.setOptions({ waitForReady: waits });
    const reply = await call(Describe, Describe.requestSerialize({}), metadata, Date.now() + withinMs);
    checkDescription(readMessage(Describe, reply), device, models);
    [state, problem] = ['up', undefined];
  };

  const needsProbe = (): boolean => !closed && state === 'down';

  const goDown = (found: LinkProblem): void => {
    [state, problem] = ['down', found];
    void probe();
  };

  const probe = async (): Promise<void> => {
    if (probing) return;
    probing = true;
    for (;;) {
      await pause(probePauseMs, undefined, { ref: false });
      if (!needsProbe()) break;
      await describe(probeWithinMs, true).catch((found: unknown) => {
        // "Late" is what a place that nobody listens at looks like from here: the first reason says more.
        if (asProblem(found).kind !== 'late') problem = asProblem(found);
      });
    }
    probing = false;
  };

  return {
    device,
    address,
    get state() {
      return state;
    },
    get problem() {
      return problem;
    },
    get asked() {
      return asked;
    },
    connect: (withinMs) => describe(withinMs, false).catch((found: unknown) => goDown(asProblem(found))),
    extract: (image, deadline) =>
      new Promise((resolve, reject) => {
        const began = performance.now();
        const settle = (found: LinkProblem): void => {
          if (found.kind === 'down' && !closed) goDown(found);
          else if (found.kind === 'late' && state === 'up') [state, problem] = ['late', found];
          reject(found);
        };
        // gRPC's own deadline ends the call here and on the device, but may come later than this.
        const timer = setTimeout(
          () => settle(linkProblem({ code: status.DEADLINE_EXCEEDED, details: '' })),
          deadline - Date.now(),
        );
        const metadata = withToken(token);
        metadata.set(packageHeader, packageSha256);
        asked++;
        call(Extract, image, metadata, deadline)
          .finally(() => {
            asked--;
            clearTimeout(timer);
          })
          .then((reply) => {
            const result = readReply(reply, models, performance.now() - began);
            if (state === 'late') [state, problem] = ['up', undefined];
            resolve(result);
          })
          .catch((error: unknown) => {
            if (error instanceof LinkProblem) settle(error);
            else reject(error instanceof Error ? error : new Error(String(error)));
          });
      }),
    close() {
      closed = true;
      client.close();
    },
  };
}

/** @throws what is not one: a bug */
function asProblem(error: unknown): LinkProblem {
  if (error instanceof LinkProblem) return error;
  throw error;
}
