/** A runner in a process of its own, for a test that kills it. */
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import { run } from '../../pipeline/runner/run.ts';
import { fakeRegistry } from './rig.ts';

const { runFolder, jobs } = JSON.parse(process.env.FAKE_RUN!) as { runFolder: string; jobs: JobPlan[] };
await run({
  registry: fakeRegistry,
  input: { jobs },
  name: 'fake',
  engine: 'wasm',
  runFolder,
  slots: { count: 1 },
});
