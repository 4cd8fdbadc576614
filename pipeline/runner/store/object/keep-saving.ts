import type { CheckpointKeeper } from './checkpoints.ts';

/** Saves from time to time until it is stopped; what cannot be saved now may be the next time. */
export function keepSaving(
  checkpoint: CheckpointKeeper,
  everyMs: number,
): { stop(): Promise<void>; last(): Promise<void> } {
  let saving: Promise<void> = Promise.resolve();
  let isOurs = true;
  const save = async (): Promise<void> => {
    if (isOurs) isOurs = await checkpoint.save();
  };
  const next = (): NodeJS.Timeout =>
    setTimeout(() => {
      saving = save()
        .catch(() => undefined)
        .then(() => {
          if (timer !== undefined) timer = next();
        });
    }, everyMs).unref();
  let timer: NodeJS.Timeout | undefined = next();
  return {
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await saving;
    },
    /** What is left after an interruption, or a failure that may pass. */
    last: () => save().catch(() => undefined),
  };
}
