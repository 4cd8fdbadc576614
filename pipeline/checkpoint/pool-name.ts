/**
 * What a head reads, as people say it; the weights tell whether the last norm comes before or after the mean. unnormed-mean: of the patches
 * before the last norm, which is then none of the model's; a library's class alone tells it.
 */
export type PoolName = 'class-token' | 'mean' | 'unnormed-mean' | 'max' | 'class-and-mean' | 'attention';
