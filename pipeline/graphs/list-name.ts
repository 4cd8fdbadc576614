import { hashJson } from '../util/hash.ts';

/** How a graph names a constant by its numbers: by all of them, or by their hash where they are many. */
export function listName(values: readonly number[], between: string): string {
  return values.length <= 64 ? values.join(between) : hashJson(values).slice(0, 32);
}
