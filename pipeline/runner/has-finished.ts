import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from './contract.ts';

/** More than the last line of any log of a run with less than a thousand jobs left. */
const tailBytes = 65_536;

/** Whether the last run in this folder did all that it was to do, by the last line of its log. */
export async function hasFinished(runFolder: string): Promise<boolean> {
  const log = await open(join(runFolder, 'events.jsonl'), 'r').catch(() => undefined);
  if (log === undefined) return false;
  try {
    const { size } = await log.stat();
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    await log.read(tail, 0, tail.length, size - tail.length);
    const last = JSON.parse(tail.toString('utf8').trimEnd().split('\n').at(-1) ?? '') as Event;
    return (
      last.type === 'run-finished' &&
      last.failed + last.blocked === 0 &&
      !last.interrupted &&
      (last.left ?? []).length === 0
    );
  } catch {
    return false;
  } finally {
    await log.close();
  }
}
