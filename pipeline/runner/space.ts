import { statfs } from 'node:fs/promises';
import { usableMemoryBytes } from '../util/cgroup.ts';
import { fail } from '../util/failure.ts';
import { formatBytes } from '../util/format.ts';
import type { JobId } from './contract.ts';
import { fittingBatches } from './fitting-batches.ts';
import type { Plan, PlannedJob } from './plan.ts';
import type { JobStatus } from './states.ts';

/** What the machine offers; tests offer something else. */
export interface Machine {
  freeDiskBytes(folder: string): Promise<number>;
  memoryBytes(): number;
}

export const thisMachine: Machine = {
  async freeDiskBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  memoryBytes: usableMemoryBytes,
};

/** Estimates of disk are sizes of arrays and hold within a few per cent; logs and the file system take the rest. */
const diskMargin = 1.05;
/**
 * Memory is compared with all there is, not with what is free now: caches of other programs give way, and estimates
 * are rough. So this refuses what cannot work; it does not promise that everything else will.
 */
const memoryMargin = 1;

/** How many jobs run at once, and a sentence where it is fewer than there are slots. */
export interface Room {
  readonly slots: number;
  readonly note?: string | undefined;
}

/**
 * Refuses a run that would end in a full disk or be killed for its memory, before any work. Where memory is too small for all slots
 * at once but not for fewer, fewer are used.
 * Outputs that are replaced count as free, they are removed before their job starts.
 * @param slots jobs at once on this machine; 0 where they are done elsewhere: then only the disk counts
 * @throws BlockForgeError `out-of-space` with the numbers.
 */
export async function checkSpace(
  plan: Plan,
  statuses: ReadonlyMap<JobId, JobStatus>,
  runFolder: string,
  slots: number,
  machine: Machine = thisMachine,
): Promise<Room> {
  const toRun = plan.jobs.filter(({ job, selected }) => selected && statuses.get(job.id)?.state !== 'fresh');
  const replaced = sum(
    toRun.flatMap(({ job }) => statuses.get(job.id)?.record?.outputs.map(({ sizeBytes }) => sizeBytes) ?? []),
  );
  const needed = sum(toRun.map(({ job }) => job.estimate.diskBytes)) * diskMargin;
  const free = await machine.freeDiskBytes(runFolder);
  if (needed > free + replaced) {
    fail({
      reason: 'out-of-space',
      subject: runFolder,
      found: `${formatBytes(free + replaced)} of disk are free, old outputs that will be replaced included`,
      expected: `${formatBytes(needed)} for the ${toRun.length} jobs to run; the largest: ${largest(toRun)}`,
      next: 'free some space, use fewer calibration images or a smaller inputs.diskGB, or move the run folder to a larger disk',
    });
  }

  if (slots === 0) return { slots };
  const memory = machine.memoryBytes();
  const together = atOnce(toRun, slots);
  if (together * memoryMargin <= memory) return { slots };
  const fitting = countFitting(toRun, slots, memory / memoryMargin);
  if (fitting > 0) {
    const note =
      `${fitting} of ${slots} jobs at once: the largest that can run together take ${formatBytes(together)}, ` +
      `and this machine has ${formatBytes(memory)} of memory`;
    return { slots: fitting, note };
  }
  return fail({
    reason: 'out-of-space',
    subject: slots === 1 ? 'a job' : `${slots} jobs at once`,
    found: `this machine has ${formatBytes(memory)} of memory`,
    expected: `${formatBytes(atOnce(toRun, 1))} for the largest job`,
    next:
      fittingBatches(
        toRun.map(({ job }) => job.estimate),
        memory / memoryMargin,
      ) ??
      'a single job does not fit: set smaller batches (distill.batchSize, measure.batchSize), or fewer widths a job (a higher descendants.shards)',
  });
}

/** Bytes of the worst set of jobs that can meet: the largest ordinary ones on all slots, or an exclusive one alone. */
function atOnce(jobs: readonly PlannedJob[], slots: number): number {
  const bytes = (exclusive: boolean) =>
    jobs
      .filter(({ job }) => (job.exclusive ?? false) === exclusive)
      .map(({ job }) => job.estimate.memoryBytes)
      .sort((a, b) => b - a);
  return Math.max(sum(bytes(false).slice(0, slots)), bytes(true)[0] ?? 0);
}

function countFitting(jobs: readonly PlannedJob[], slots: number, memory: number): number {
  let fitting = slots - 1;
  while (fitting > 0 && atOnce(jobs, fitting) > memory) fitting--;
  return fitting;
}

function largest(jobs: readonly PlannedJob[]): string {
  const { job } = jobs.reduce((a, b) => (b.job.estimate.diskBytes > a.job.estimate.diskBytes ? b : a));
  return `${job.id}, ${formatBytes(job.estimate.diskBytes)}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
