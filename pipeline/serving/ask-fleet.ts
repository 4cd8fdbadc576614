import { setImmediate } from 'node:timers/promises';
import { fail } from '../util/failure.ts';
import type { DeviceLink } from './device-link.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { imageMessage } from './image-message.ts';
import { LinkProblem } from './link-problem.ts';
import type { ImageBytes } from './protocol.ts';
import type { LinkReply } from './read-reply.ts';

/** What a fleet says of an image. */
export interface FleetAnswer {
  /** [classes], they sum to 1. */
  readonly probabilities: Float32Array;
  readonly answered: readonly DeviceTimes[];
  readonly missing: readonly MissingDevice[];
  /** From asking to the fused answer. */
  readonly latencyMs: number;
  /** Messages to all devices, and their answers; what HTTP/2, TLS and TCP add is not in it. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Milliseconds, as the device measured them; `totalMs` as whoever asked did. */
export interface DeviceTimes {
  readonly device: string;
  readonly queueMs: number;
  readonly prepareMs: number;
  readonly inferMs: number;
  readonly totalMs: number;
}

export interface MissingDevice {
  readonly device: string;
  readonly why: string;
  /** How many classes its sub-models know. */
  readonly classes: number;
}

export interface Question {
  readonly plan: FleetPlan;
  readonly links: readonly DeviceLink[];
  readonly image: ImageBytes;
  /** Of the image, for messages. */
  readonly name: string;
  readonly deadlineMs: number;
}

/** What has come until now, by device. */
interface Answers {
  readonly replies: Map<string, LinkReply>;
  readonly problems: Map<string, LinkProblem>;
}

/**
 * Asks all devices at once, waits for those that are `up` until the deadline, and fuses what has come by then.
 * @throws BlockForgeError `device-unavailable` where nothing has come, `data-invalid` where a device could not read the image
 */
export async function askFleet(question: Question): Promise<FleetAnswer> {
  const { plan, links, image, name, deadlineMs } = question;
  const began = performance.now();
  const message = imageMessage(image);
  const asked = whomToAsk(links);
  // All are down: whoever asks again at once leaves time for them to be found alive.
  if (asked.length === 0) await setImmediate();
  const { replies, problems } = await gather(asked, message, deadlineMs);
  const missing = missingOf(plan, links, { replies, problems });
  if (replies.size === 0) return refuse(name, missing, problems);
  const logits = plan.fuse(plan.models.map(({ id, device }) => replies.get(device)?.features.get(id)));
  return {
    probabilities: softmax(logits),
    answered: [...replies].map(([device, { queueMs, prepareMs, inferMs, totalMs }]) => ({
      device,
      queueMs,
      prepareMs,
      inferMs,
      totalMs,
    })),
    missing,
    latencyMs: performance.now() - began,
    sentBytes: asked.length * message.length,
    receivedBytes: [...replies.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A late device is sent one image at a time, but where there is no other the images are not lost for that. */
function whomToAsk(links: readonly DeviceLink[]): readonly DeviceLink[] {
  const chosen = links.filter(
    ({ state, asked: count }) => state === 'up' || (state === 'late' && count === 0),
  );
  return chosen.length > 0 ? chosen : links.filter(({ state }) => state === 'late');
}

/** By the deadline every device has answered or failed. Late ones are waited for only while nothing else has come. */
function gather(asked: readonly DeviceLink[], message: Buffer, deadlineMs: number): Promise<Answers> {
  const deadline = Date.now() + deadlineMs;
  const replies = new Map<string, LinkReply>();
  const problems = new Map<string, LinkProblem>();
  return new Promise((resolve, reject) => {
    const open = { up: 0, late: 0 };
    const look = (): void => {
      const isImageAtFault = [...problems.values()].some(({ kind }) => kind === 'image');
      if (open.up > 0 || (open.late > 0 && replies.size === 0 && !isImageAtFault)) return;
      // Copies: who comes later changes nothing any more.
      resolve({ replies: new Map(replies), problems: new Map(problems) });
    };
    for (const link of asked) {
      const kind = link.state === 'up' ? 'up' : 'late';
      open[kind]++;
      link
        .extract(message, deadline)
        .then(
          (reply) => void replies.set(link.device.name, reply),
          (problem: unknown) => {
            if (problem instanceof LinkProblem) problems.set(link.device.name, problem);
            else throw problem;
          },
        )
        .then(() => {
          open[kind]--;
          look();
        }, reject);
    }
    look();
  });
}

function missingOf(
  { devices, models }: FleetPlan,
  links: readonly DeviceLink[],
  { replies, problems }: Answers,
): MissingDevice[] {
  return devices.flatMap(({ name }) => {
    if (replies.has(name)) return [];
    const link = links.find(({ device }) => device.name === name);
    const why =
      link === undefined
        ? 'no address given'
        : ((problems.get(name) ?? link.problem)?.message ?? 'no answer within the deadline');
    const classes = models.reduce((sum, model) => sum + (model.device === name ? model.classes : 0), 0);
    return [{ device: name, why, classes }];
  });
}

function refuse(
  name: string,
  missing: readonly MissingDevice[],
  problems: ReadonlyMap<string, LinkProblem>,
): never {
  const atFault = [...problems.values()].find(({ kind }) => kind === 'image');
  if (atFault !== undefined) fail({ reason: 'data-invalid', subject: name, found: atFault.message });
  return fail({
    reason: 'device-unavailable',
    subject: name,
    found: `no device answered:\n${missing.map(({ device, why }) => `    ${device}: ${why}`).join('\n')}`,
    expected: 'at least one',
  });
}

function softmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const shares = logits.map((value) => Math.exp(value - most));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((value) => value / sum);
}
