import type { SliceResult, SliceTask } from '../slice-task.ts';

/** Published shrinking (DeViT): whole heads and hidden units by their scores, how many of each layer by random search. */
export function shrinkByPolicy(_task: SliceTask): Promise<SliceResult> {
  return Promise.reject(new Error('not there yet'));
}
