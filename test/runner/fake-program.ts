/**
 * Does what scripts for schedulers ask of the command line, with fake stages: `run-job` and `plan --check`. The jobs are told by
 * `FAKE_RUN`. The work is done in this process, so that it ends with it.
 */
import { parseArgs } from 'node:util';
import { chooseJob } from '../../pipeline/cli/run-job/choose-job.ts';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import { makePlan } from '../../pipeline/runner/plan.ts';
import { runOne } from '../../pipeline/runner/run-one.ts';
import { previewRun } from '../../pipeline/runner/run.ts';
import { watchStops } from '../../pipeline/terminal/stops.ts';
import { BlockForgeError, exitCodeOf } from '../../pipeline/util/failure.ts';
import { present } from '../support/present.ts';
import { stages } from './fake-stages.ts';
import { insideExecutor } from './inside-executor.ts';

export interface FakeRun {
  readonly runFolder: string;
  readonly jobs: readonly JobPlan[];
}

const { runFolder, jobs } = JSON.parse(present(process.env.FAKE_RUN)) as FakeRun;
const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ group: text, index: text, 'plan-id': text, config: text, engine: text, runs: text },
    ...{ check: { type: 'boolean' }, set: { ...text, multiple: true } },
  },
});
const stops = watchStops();

async function main(): Promise<number> {
  const input = { jobs };
  const common = { stages, input, engine: present(values.engine), runFolder };
  if (values.check === true) {
    const open = (await previewRun(common)).filter(({ state }) => state !== 'fresh');
    for (const { job } of open) console.log(job);
    return open.length === 0 ? 0 : 5;
  }
  const { group, index, 'plan-id': planId } = values;
  const id = positionals[1];
  const choice = id === undefined ? { group: present(group), index: Number(present(index)), planId } : { id };
  const { end } = await runOne({
    ...common,
    job: chooseJob(makePlan(stages, input, common.engine), choice),
    executor: insideExecutor(runFolder),
    signal: stops.polite,
    killSignal: stops.now,
  });
  return { ran: 0, fresh: 0, failed: 5, interrupted: stops.exitCode }[end];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BlockForgeError)) throw error;
  console.error(error.message);
  process.exitCode = exitCodeOf(error.failure.reason);
}
stops.dispose();
