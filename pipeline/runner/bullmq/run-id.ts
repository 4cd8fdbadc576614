import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../util/atomic.ts';

const name = '.run-id';

/** What tells this run folder from others of its name; made by the first who asks, under the run's lock. */
export async function runIdOf(runFolder: string): Promise<string> {
  const known = await readRunId(runFolder);
  if (known !== undefined) return known;
  const made = randomBytes(8).toString('hex');
  await writeFileAtomic(join(runFolder, name), `${made}\n`);
  return made;
}

export async function readRunId(runFolder: string): Promise<string | undefined> {
  const text = await readFile(join(runFolder, name), 'utf8').catch(() => '');
  return /^[0-9a-f]{16}\n$/.test(text) ? text.trim() : undefined;
}
