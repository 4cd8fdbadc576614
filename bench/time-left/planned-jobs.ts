import { prepareRun } from '../../pipeline/cli/run/prepare.ts';
import { makePlan } from '../../pipeline/runner/plan.ts';
import { plain } from '../../pipeline/terminal/terminal.ts';
import type { RecordedRun } from './recorded-run.ts';

/** The jobs of a config with today's estimates. @param overrides `key.path=value` */
export async function plannedJobs(
  config: string,
  overrides: readonly string[],
): Promise<Pick<RecordedRun, 'jobs' | 'engine'>> {
  const write = (text: string) => void process.stderr.write(text);
  const nowhere = { write, eraseLine: '', isLive: false, columns: 80, paint: plain };
  const unheard = new AbortController().signal;
  const around = { stdout: nowhere, stderr: nowhere, cwd: process.cwd(), unheard, commands: [] };
  const { method, input } = await prepareRun({ config, overrides, runs: 'runs' }, around, undefined, true);
  const { engine } = input;
  const jobs = makePlan(method.stages, input, engine).jobs.map(({ job, stage }) => ({
    ...{ id: job.id, stage, needs: job.needs, wants: job.wants ?? [], seconds: job.estimate.seconds },
    exclusive: job.exclusive ?? false,
  }));
  return { jobs, engine };
}
