import type { JobId } from './contract.ts';

/** Of what belongs to one job and lies beside that of others: `distill--shard-0`. */
export function fileNameOf(job: JobId): string {
  return job.replace('/', '--');
}

/** The job whose name `fileNameOf` made. */
export function jobOfFileName(name: string): JobId {
  return name.replace('--', '/');
}
