/** Keys of older versions, by path, with what stands for them today. */
export const formerKeys: ReadonlyMap<string, string> = new Map([
  ['distill.batchTokens', 'now "batchSize", in images where it was in tokens'],
]);
