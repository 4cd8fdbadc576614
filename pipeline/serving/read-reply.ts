import { featuresOf } from './feature-bytes.ts';
import type { PlannedModel } from './fleet-plan.ts';
import { LinkProblem } from './link-problem.ts';
import { deviceProtocol } from './protocol.ts';
import { readMessage } from './read-message.ts';

/** What a device answered, read. */
export interface LinkReply {
  /** By model. */
  readonly features: ReadonlyMap<string, Float32Array>;
  readonly queueMs: number;
  readonly prepareMs: number;
  readonly inferMs: number;
  /** From asking to the answer. */
  readonly totalMs: number;
  /** Of the answer. */
  readonly bytes: number;
}

/**
 * Believes nothing of a reply.
 * @throws LinkProblem `refused` where a model's features are missing, of another width, or not finite
 */
export function readReply(message: Buffer, models: readonly PlannedModel[], totalMs: number): LinkReply {
  const { features, queueMs, prepareMs, inferMs } = readMessage(deviceProtocol.Extract, message);
  const found = new Map<string, Float32Array>();
  for (const { id, width } of models) {
    const sent = features.find(({ model }) => model === id);
    const values = sent && featuresOf(sent.values, width);
    if (values === undefined) throw new LinkProblem('refused', `no ${width} features of ${id} in its answer`);
    if (!values.every(Number.isFinite))
      throw new LinkProblem('refused', `its features of ${id} are not finite`);
    found.set(id, values);
  }
  return { features: found, queueMs, prepareMs, inferMs, totalMs, bytes: message.length };
}
