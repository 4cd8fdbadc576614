import type { FusionHead } from './fusion-head.ts';
import type { FusionCandidate, FusionTask } from './fusion-task.ts';

export interface FusionResult {
  readonly head: FusionHead;
  /** Of plain JSON values. */
  readonly report: { readonly chosen: string; readonly candidates: readonly FusionCandidate[] };
}

/**
 * Makes the heads that the settings ask for and keeps the one with the best held-out top-1, ties by cross-entropy.
 * Leaves no tensor behind. @throws `signal.reason` on abort; BlockForgeError `not-finite`, `data-invalid`
 */
export async function trainFusion(_task: FusionTask): Promise<FusionResult> {
  return Promise.reject(new Error('not yet'));
}
