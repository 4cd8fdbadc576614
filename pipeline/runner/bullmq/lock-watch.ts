import { Worker } from 'bullmq';
import type { QueuedJob, QueuedReply } from './queued-job.ts';
import type { QueueTimes } from './times.ts';

export interface LockHolder {
  /** The lock was not renewed for a while: it can be lost soon. @param graceMs until it must have ended */
  doubt(graceMs: number): void;
  /** It is lost, or about to be: whatever works under it must end now. */
  lost(): void;
}

interface Held extends LockHolder {
  renewedAt: number;
  doubted: boolean;
}

/**
 * A BullMQ worker that says when its locks could not be renewed: BullMQ says so only where the server answers that one is gone, not
 * where there is no answer. Times are those before the command was sent, so that no lock lives longer here than there.
 */
export class WatchedWorker extends Worker<QueuedJob, QueuedReply> {
  readonly #held = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;

  watchLocks(times: QueueTimes): void {
    this.#timer = setInterval(() => this.#look(times), times.lock / 40).unref();
  }

  /**
   * When a lock was taken or renewed for sure. The command that took it may have waited for the server for longer than locks
   * last, or the job for its turn here: it is renewed then, which tells.
   * @param taken when that command was made, as `Date.now()`
   * @returns undefined where it is lost
   */
  async lockedSince(
    id: string,
    token: string,
    taken: number,
    { doubt, lock }: QueueTimes,
  ): Promise<number | undefined> {
    let since = taken;
    while (Date.now() - since > doubt / 2) {
      since = Date.now();
      const gone = await this.extendJobLocks([id], [token], lock).catch(() => [id]);
      if (gone.includes(id)) return undefined;
    }
    return since;
  }

  /** @param since when the lock was taken, as `Date.now()` */
  hold(id: string, since: number, holder: LockHolder): () => void {
    const held: Held = { ...holder, renewedAt: since, doubted: false };
    this.#held.set(id, held);
    return () => {
      if (this.#held.get(id) === held) this.#held.delete(id);
    };
  }

  override async extendJobLocks(ids: string[], tokens: string[], duration: number): Promise<string[]> {
    const sent = Date.now();
    const gone = await super.extendJobLocks(ids, tokens, duration);
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held === undefined) continue;
      if (gone.includes(id)) held.lost();
      else held.renewedAt = sent;
    }
    return gone;
  }

  override async close(force?: boolean): Promise<void> {
    await super.close(force);
    clearInterval(this.#timer);
  }

  #look({ doubt, giveUp }: QueueTimes): void {
    for (const held of this.#held.values()) {
      const age = Date.now() - held.renewedAt;
      if (age > giveUp) held.lost();
      else if (age > doubt && !held.doubted) held.doubt(giveUp - age);
      held.doubted = age > doubt;
    }
  }
}
