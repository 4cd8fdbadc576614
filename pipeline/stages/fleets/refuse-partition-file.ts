import { readFileSync, statSync } from 'node:fs';
import { parsePartition } from '../../submodels/partition/parse-partition.ts';
import { fail } from '../../util/failure.ts';
import type { PlannedFleet } from './plan-fleets.ts';

/** Far above any list of classes. */
const mostBytes = 2 ** 24;

/**
 * Reads a fleet's partition file while planning, so that a mistake in it is told before anything runs.
 * @param names of the classes
 * @throws BlockForgeError `file-missing`, `data-invalid` with file:line
 */
export function refusePartitionFile(
  { name, partition, submodels }: PlannedFleet,
  names: readonly string[],
): void {
  const { by, file } = partition;
  if (by !== 'file' || file === undefined) return;
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts?.isFile() !== true || facts.size > mostBytes) {
    return fail({
      reason: 'file-missing',
      subject: file,
      found: facts === undefined ? 'no such file' : 'not a text file',
      expected: `${submodels.length} lines, each with the classes of one sub-model of ${name}`,
      next: 'write it, or choose another partition.by',
    });
  }
  parsePartition(readFileSync(file, 'utf8'), file, names, submodels.length);
}
