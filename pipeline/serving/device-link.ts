import { Client, type ChannelCredentials, type Metadata } from '@grpc/grpc-js';
import { addressText, type Address } from './address.ts';
import { channelOptions } from './client-options.ts';
import { checkDescription } from './check-description.ts';
import { readReply, type LinkReply } from './read-reply.ts';
import type { PlannedDevice, PlannedModel } from './fleet-plan.ts';
import { LinkProblem, linkProblem } from './link-problem.ts';
import { deviceProtocol } from './protocol.ts';
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
   * @param image an `ExtractRequest` in bytes, without the package
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
  readonly credentials: ChannelCredentials;
  readonly token?: string | undefined;
}

const probeWithinMs = 1000;
const probePauseMs = 100;
/** What a reply holds beside its numbers. */
const replyExtraBytes = 4096;

export function deviceLink({ address, device, models, credentials, token }: LinkOptions): DeviceLink {
  const numbers = models.reduce((sum, { width }) => sum + width, 0);
  const client = new Client(
    addressText(address),
    credentials,
    channelOptions(4 * numbers + 256 * models.length + replyExtraBytes),
  );
  const { Describe, Extract } = deviceProtocol;
  const packageField = Extract.requestSerialize({ packageSha256: Buffer.from(device.packageSha256, 'hex') });
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
        (error, reply) => (error === null ? resolve(reply!) : reject(linkProblem(error))),
      );
    });

  const describe = async (withinMs: number, waits: boolean): Promise<void> => {
    const metadata = withToken(token);
    metadata.setOptions({ waitForReady: waits });
    const reply = await call(Describe, Describe.requestSerialize({}), metadata, Date.now() + withinMs);
    checkDescription(Describe.responseDeserialize(reply), device, models);
    [state, problem] = ['up', undefined];
  };

  const goDown = (found: LinkProblem): void => {
    [state, problem] = ['down', found];
    void probe();
  };

  const probe = async (): Promise<void> => {
    if (probing) return;
    probing = true;
    while (!closed && state === 'down') {
      await new Promise((resolve) => setTimeout(resolve, probePauseMs).unref());
      if (closed) break;
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
    async extract(image, deadline) {
      const began = performance.now();
      asked++;
      try {
        const reply = await call(Extract, Buffer.concat([image, packageField]), withToken(token), deadline);
        const result = readReply(reply, models, performance.now() - began);
        if (state === 'late') [state, problem] = ['up', undefined];
        return result;
      } catch (error) {
        const found = asProblem(error);
        if (found.kind === 'down' && !closed) goDown(found);
        else if (found.kind === 'late' && state === 'up') [state, problem] = ['late', found];
        throw found;
      } finally {
        asked--;
      }
    },
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
