/**
 * The controller of one run of light jobs, in a process of its own so that its memory is its own:
 * `controller.ts here|local|redis://... JOBS SLOTS RUNFOLDER`. Prints a `ControllerReport` as its last line.
 */
import type { Executor } from '../../pipeline/runner/executor.ts';
import { localExecutor } from '../../pipeline/runner/local/executor.ts';
import { run } from '../../pipeline/runner/run.ts';
import { executorHere } from './here.ts';
import { lightNeeds, lightQueue, lightRegistry } from './light-run.ts';
import { stages } from './light-stages.ts';

export interface ControllerReport {
  /** From the first job to the end. */
  readonly seconds: number;
  /** Of the controller's own processor. */
  readonly processorSeconds: number;
  readonly ran: number;
  /** Mean resident memory while each quarter of the jobs ended. */
  readonly quarterBytes: readonly number[];
}

await control();

async function control(): Promise<void> {
  const [kind = 'here', jobs = '200', slots = '2', runFolder = ''] = process.argv.slice(2);
  const rss: number[] = [];
  let begun = 0;
  const executor = await executorOf(kind, Number(slots), runFolder);
  const cpu = process.cpuUsage();
  const outcome = await run({
    stages,
    input: { jobs: Number(jobs) },
    name: 'light',
    engine: 'wasm',
    runFolder,
    executor,
    subscribers: [
      ({ type }) => {
        if (type === 'job-started' && begun === 0) begun = performance.now();
        if (type === 'job-finished') rss.push(process.memoryUsage.rss());
      },
    ],
  });
  const { user, system } = process.cpuUsage(cpu);
  const report: ControllerReport = {
    seconds: (performance.now() - begun) / 1000,
    processorSeconds: (user + system) / 1e6,
    ran: outcome.ran,
    quarterBytes: [0, 1, 2, 3].map((quarter) => {
      const part = rss.slice((quarter * rss.length) / 4, ((quarter + 1) * rss.length) / 4);
      return part.reduce((sum, bytes) => sum + bytes, 0) / part.length;
    }),
  };
  console.log(JSON.stringify(report));
}

async function executorOf(kind: string, slots: number, runFolder: string): Promise<Executor> {
  if (kind === 'here') return executorHere(runFolder, slots);
  if (kind === 'local') return localExecutor({ registry: lightRegistry, runFolder, slots });
  const { bullmqExecutor } = await import('../../pipeline/runner/bullmq/executor.ts');
  return bullmqExecutor({
    ...{ queue: kind, name: lightQueue, store: 'folder', method: lightQueue, runFolder, needs: lightNeeds },
    slots: 1000,
    child: { recycleBytes: 3e9, silentMs: null, precision: 'float32' },
    note: (text) => console.error(text),
  });
}
