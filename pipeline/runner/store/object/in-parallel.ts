import PQueue from 'p-queue';

/** Does something with each item, a few at once. @throws what one of them throws, when none is at work any more */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  concurrency = 4,
): Promise<Result[]> {
  const queue = new PQueue({ concurrency });
  const ends = await Promise.allSettled(items.map((item) => queue.add(() => work(item))));
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason as Error;
    return end.value;
  });
}
