import type { JobReply } from '../../executor.ts';

type Finished = JobReply & { readonly type: 'finished' };

/** The outputs are not where the one who made them has them. */
export function withoutFolder(reply: Finished): Finished {
  const { summary, outputs, unfit, engine } = reply;
  return { type: 'finished', summary, outputs, unfit, engine };
}
