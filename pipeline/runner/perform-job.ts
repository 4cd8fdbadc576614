import { join } from 'node:path';
import type { JobContext, JobId, Stage } from './contract.ts';
import type { JobReply, JobRequest } from './executor.ts';
import { collectOutputs } from './outputs.ts';
import { outputFolder } from './publish.ts';
import type { Unfit } from './user-files.ts';

/** Where a job is done: what a `JobRequest` leaves to the one who does it. */
export interface Workplace extends Pick<JobContext, 'signal' | 'progress' | 'warn'> {
  readonly stages: readonly Stage<never>[];
  /** The run folder, as it is seen from here. */
  readonly runFolder: string;
}

/** Does one job in this process; its engine, where it needs one, is loaded already. @throws what the work throws */
export async function performJob(
  request: JobRequest,
  { stages, runFolder, signal, progress, warn }: Workplace,
): Promise<Omit<JobReply & { type: 'finished' }, 'type' | 'engine'>> {
  const { job, engine, published } = request;
  const stage = stages.find(({ name }) => name === request.stage);
  if (stage === undefined) throw new Error(`the registry has no stage ${request.stage}`);
  const optionalInput = (id: JobId, file = ''): string | undefined => {
    const place = published[id];
    const read = job.reads?.[id];
    // What is read and not told would be missing in the fingerprint.
    if (place === undefined || (read !== undefined && !read.includes(file))) {
      throw new Error(`${job.id} reads ${file === '' ? '' : `${file} of `}${id} without declaring it`);
    }
    return place === null ? undefined : join(runFolder, place, file);
  };
  const folder = join(runFolder, request.folder);
  const unfit: Unfit[] = [];
  const context: JobContext = {
    engine,
    runFolder,
    scratchFolder: join(runFolder, '.scratch'),
    folder,
    place: outputFolder(runFolder, job),
    setAside: (item) => void unfit.push(item),
    resumeFolder: join(runFolder, request.resumeFolder),
    input(id, file) {
      const found = optionalInput(id, file);
      if (found === undefined) throw new Error(`${job.id} reads ${id}, which did not succeed`);
      return found;
    },
    optionalInput,
    signal,
    progress,
    warn,
  };
  const work = await stage.work();
  const summary = await work.run(job, context);
  return { summary, outputs: await collectOutputs(folder), unfit };
}
