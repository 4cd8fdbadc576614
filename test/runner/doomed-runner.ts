/** A runner in a process of its own, for a test that kills it. */
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import { run } from '../../pipeline/runner/run.ts';
import { localExecutor } from '../../pipeline/runner/local/executor.ts';
import { stages } from './fake-stages.ts';
import { fakeRegistry } from './rig.ts';
import { present } from '../support/present.ts';

const { runFolder, jobs } = JSON.parse(present(process.env.FAKE_RUN)) as {
  runFolder: string;
  jobs: JobPlan[];
};
await run({
  stages,
  input: { jobs },
  name: 'fake',
  engine: 'wasm',
  runFolder,
  executor: localExecutor({ registry: fakeRegistry, runFolder, slots: 1 }),
});
