/** A controller of fake jobs as a process of its own, for a test that kills it: `fake-controller.ts <settings as JSON>`. */
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { bullmqExecutor, type BullmqSettings } from '../../../pipeline/runner/bullmq/executor.ts';
import { run } from '../../../pipeline/runner/run.ts';
import { stages } from '../fake-stages.ts';

export interface FakeControllerSettings {
  readonly executor: Omit<BullmqSettings, 'note'>;
  readonly jobs: readonly JobPlan[];
}

const { executor, jobs } = JSON.parse(process.argv[2] ?? '{}') as FakeControllerSettings;
await run({
  stages,
  input: { jobs },
  name: 'fake',
  engine: 'wasm',
  runFolder: executor.runFolder,
  executor: await bullmqExecutor({ ...executor, note: () => undefined }),
});
