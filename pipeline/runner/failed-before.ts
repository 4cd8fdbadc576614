import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from './contract.ts';
import { logLines } from './log-lines.ts';
import { parseLoggedEvent } from './logged-event.ts';

/** A job's last word of these tells whether it is still to be mended. */
const lastWords = /"type":"job-(failed|blocked|finished|skipped)"/;

/**
 * The jobs that failed, or were blocked by one that did, and have not ended well since: by the logs of the run folder, that of the runs and those
 * of jobs by themselves. What was interrupted in between has not ended, so it is not forgotten.
 */
export async function failedBefore(runFolder: string): Promise<ReadonlySet<JobId>> {
  const last = new Map<JobId, { readonly time: string; readonly isBad: boolean }>();
  const alone = join(runFolder, 'events');
  const names = (await readdir(alone).catch(() => [])).filter((name) => name.endsWith('.jsonl'));
  for (const path of [join(runFolder, 'events.jsonl'), ...names.map((name) => join(alone, name))]) {
    for await (const line of logLines(path)) {
      // Nearly all lines are progress, and a run's may be millions.
      const event = lastWords.test(line) ? parseLoggedEvent(line) : undefined;
      if (event === undefined || !('job' in event) || event.time < (last.get(event.job)?.time ?? ''))
        continue;
      const isBad = event.type === 'job-failed' || event.type === 'job-blocked';
      last.set(event.job, { time: event.time, isBad });
    }
  }
  return new Set([...last].flatMap(([job, { isBad }]) => (isBad ? [job] : [])));
}
