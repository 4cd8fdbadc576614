/** A worker of fake jobs as a process of its own: `fake-worker.ts <settings as JSON>`. Writes its lines as JSON. */
import { serveQueue } from '../../../pipeline/runner/bullmq/serve.ts';
import type { WorkerLine } from '../../../pipeline/runner/bullmq/worker-line.ts';
import { queueTimes } from '../../../pipeline/runner/bullmq/times.ts';
import { watchStops } from '../../../pipeline/terminal/stops.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { fakeRegistry } from '../rig.ts';

export interface FakeWorkerSettings {
  readonly queue: string;
  readonly runs: string;
  readonly control: string;
  readonly slots: number;
  readonly version: string;
  readonly engine: string;
  readonly lockSeconds: number;
  readonly untilEmpty: boolean;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as FakeWorkerSettings;
const { queue, runs, slots, version, engine, control, lockSeconds, untilEmpty } = settings;
const stops = watchStops();
const tell = (line: WorkerLine | { type: 'ended'; how: unknown }): void =>
  void process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const how = await serveQueue({
    ...{ queue, runs, slots, tell, untilEmpty, name: 'test', own: { version, engine } },
    registryOf: (method) => (method === 'fake' ? fakeRegistry : undefined),
    environmentOf: (slot) => ({ FAKE_CONTROL: control, FAKE_SLOT: String(slot) }),
    signal: stops.polite,
    killSignal: stops.now,
    times: queueTimes(lockSeconds),
  });
  tell({ type: 'ended', how });
  process.exit(how.type === 'emptied' ? 0 : how.type === 'refused' ? 4 : stops.exitCode);
} catch (error) {
  tell({ type: 'ended', how: error instanceof BlockForgeError ? error.failure : String(error) });
  process.exit(3);
}
