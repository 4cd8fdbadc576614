import type { Attempt } from '../attempt.ts';
import type { QueuedState } from './queue-state.ts';

/** Results that were sent to the queue, until it has them. */
export interface SentResults {
  add(id: string, attempt: Attempt): void;
  arrived(id: string): void;
  /** The queue refused something: it tells which job in its words. */
  refused(message: string): Promise<void>;
}

/**
 * A result that comes too late is nobody's, and is removed. One that arrived, though its answer was lost and it was sent again, is the
 * controller's, who may be publishing it right now.
 */
export function trackSentResults(
  stateOf: (id: string) => Promise<QueuedState | undefined>,
  note: (text: string) => void,
): SentResults {
  const sent = new Map<string, Attempt>();
  return {
    add: (id, attempt) => void sent.set(id, attempt),
    arrived: (id) => void sent.delete(id),
    async refused(message) {
      const [id, attempt] = [...sent].find(([known]) => message.includes(known)) ?? [];
      if (id === undefined || attempt === undefined) return;
      sent.delete(id);
      const state = await stateOf(id);
      if (state?.type === 'completed' && state.reply.attempt === attempt.id) return;
      note(`${attempt.request.job.id}: its result came too late, somebody else has the job`);
      await attempt.giveUp();
    },
  };
}
