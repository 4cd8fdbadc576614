import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Sha256 } from '../../../pipeline/util/hash.ts';
import type { ListedFolder } from './list-folder.ts';

/** Files between two looks at what else the process has to do. */
const breath = 4096;

/**
 * Changes with anything that could change what is read: an image added, removed, moved to another class or part, replaced
 * by another file or written anew, even at the same size and time (inode and change time tell). It opens no file and may
 * change where nothing did, as after a copy: it only says that the images have to be looked at.
 */
export async function folderState({ root, classes, items }: ListedFolder): Promise<Sha256> {
  const hash = createHash('sha256').update(JSON.stringify(classes));
  let lines = '';
  let turns = 0;
  for (const { id, label, origin } of items) {
    // One after the other: far cheaper than through the thread pool, and no more than one is ever under way.
    const found = statSync(join(root, id), { throwIfNoEntry: false });
    lines += `\n${label} ${origin} ${found?.ino} ${found?.size} ${found?.mtimeMs} ${found?.ctimeMs} ${id}`;
    if (++turns % breath === 0) {
      hash.update(lines);
      lines = '';
      await setImmediate();
    }
  }
  return hash.update(lines).digest('hex') as Sha256;
}
