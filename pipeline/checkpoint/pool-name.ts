/**
 * What a head reads, as people say it; the weights tell whether the last norm comes before or after the mean. unnormed-mean: of the patches
 * before the last norm, which is then none of the model's. patch-attention: attention that does not see the tokens before the patches.
 * A library's class alone tells these two.
 */
export type PoolName =
  'class-token' | 'mean' | 'unnormed-mean' | 'max' | 'class-and-mean' | 'attention' | 'patch-attention';
