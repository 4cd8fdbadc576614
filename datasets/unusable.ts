import { fail } from '../pipeline/util/failure.ts';
import type { Source } from './contract.ts';

const listed = 5;

/** After this many unusable images no more are read: all of a large folder may be broken. */
export function mostRead(allowed: number): number {
  return 2 * allowed + 100;
}

/**
 * @param unusable those that were found
 * @param counts how many images were examined until now, how many may be unusable, and of how many that are asked for
 */
export function failUnusable(
  source: Source,
  unusable: readonly { readonly id: string; readonly why: string }[],
  {
    examined,
    allowed,
    asked,
  }: { readonly examined: number; readonly allowed: number; readonly asked: number },
): never {
  const shown = unusable.slice(0, listed).map(({ id, why }) => `${id} (${why})`);
  const stopped = unusable.length >= mostRead(allowed);
  const share = shareFor(unusable.length, asked);
  const allow = `set data.maxCorruptShare to ${stopped ? 'more than ' : ''}${share}`;
  return fail({
    reason: 'data-invalid',
    subject: source.description,
    found:
      `${stopped ? 'at least ' : ''}${unusable.length} unusable image${unusable.length === 1 ? '' : 's'}` +
      `${stopped ? '' : ` among ${examined} examined`}: ${shown.join('; ')}${unusable.length > listed ? '; ...' : ''}`,
    expected: `at most ${allowed} (data.maxCorruptShare of the ${asked} images asked for)`,
    next: `repair or remove them, or leave them out: ${allow} (--set data.maxCorruptShare=${share})`,
  });
}

/** The least share of two digits that allows so many. */
export function shareFor(unusable: number, asked: number): number {
  const exact = unusable / asked;
  if (exact >= 1) return 1;
  const step = 10 ** (Math.floor(Math.log10(exact)) - 1);
  for (let steps = Math.floor(exact / step); ; steps++) {
    const share = Math.min(1, Number((steps * step).toPrecision(2)));
    if (share === 1 || Math.floor(share * asked) >= unusable) return share;
  }
}
