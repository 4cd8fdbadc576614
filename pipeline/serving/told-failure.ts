import type { Failure } from '../util/failure.ts';

/**
 * The failure that a command of this program told with `--json`, a line among its last words.
 * @returns undefined where it told none, as a process does that was ended
 */
export function toldFailure(words: string): Failure | undefined {
  const line = words.split('\n').findLast((text) => text.startsWith('{"type":"error"'));
  if (line === undefined) return undefined;
  try {
    const { reason, subject, found, expected, next } = JSON.parse(line) as Partial<Failure>;
    if (reason === undefined || subject === undefined || found === undefined) return undefined;
    return { reason, subject, found, expected, next };
  } catch {
    return undefined;
  }
}
