import { readPlainFile } from '../../util/plain-file.ts';
import { fail } from '../../util/failure.ts';
import { parsePartition } from './parse-partition.ts';
import type { Partition } from './partition.ts';

/** Far above any list of classes. */
const maxBytes = 2 ** 24;

/**
 * `parsePartition` of a file.
 * @throws BlockForgeError `file-missing`, `file-invalid`, `data-invalid`
 */
export async function readPartition(
  path: string,
  names: readonly string[],
  subsets: number,
): Promise<Partition> {
  const bytes = await readPlainFile(path, maxBytes).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error;
    return fail({
      reason: 'file-missing',
      subject: path,
      found: 'no such file',
      expected: 'one subset of classes a line',
      next: 'write it, or choose another partition.by',
    });
  });
  return parsePartition(bytes.toString('utf8'), path, names, subsets);
}
