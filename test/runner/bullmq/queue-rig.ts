import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bullmqExecutor } from '../../../pipeline/runner/bullmq/executor.ts';
import type { WorkerLine } from '../../../pipeline/runner/bullmq/worker-line.ts';
import { queueTimes } from '../../../pipeline/runner/bullmq/times.ts';
import type { Executor } from '../../../pipeline/runner/executor.ts';
import type { RunOutcome } from '../../../pipeline/runner/run.ts';
import { present } from '../../support/present.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { starter } from '../../support/program.ts';
import { Rig } from '../rig.ts';
import type { FakeControllerSettings } from './fake-controller.ts';
import type { FakeWorkerSettings } from './fake-worker.ts';

const fakeWorker = fileURLToPath(new URL('./fake-worker.ts', import.meta.url));
const fakeController = fileURLToPath(new URL('./fake-controller.ts', import.meta.url));

export interface RunningWorker {
  readonly child: ChildProcess;
  readonly lines: (WorkerLine & { how?: unknown })[];
  /** Its exit code, or the signal that ended it. */
  readonly end: Promise<number | string>;
}

/** A rig whose jobs are done by workers in processes of their own, through a Redis server of its own. */
export class QueueRig extends Rig {
  readonly notes: string[] = [];
  readonly workers: RunningWorker[] = [];
  readonly needs = { version: '1', engine: 'Fake 1.0' };
  readonly lockSeconds: number;
  /** As `executor.store`. */
  store = 'folder';
  redis: TestRedis | undefined;

  constructor(lockSeconds = 2) {
    super();
    this.lockSeconds = lockSeconds;
  }

  /** @param address on which the server listens */
  async open(address?: string): Promise<void> {
    this.redis = await startRedis(address);
  }

  get url(): string {
    if (this.redis === undefined) throw new Error('no server');
    return this.redis.url;
  }

  /** @param inside words before the command: of another host */
  worker(changes: Partial<FakeWorkerSettings> = {}, inside: readonly string[] = []): RunningWorker {
    const settings: FakeWorkerSettings = {
      ...{
        queue: this.url,
        runs: dirname(this.runFolder),
        control: this.control,
        slots: 1,
        untilEmpty: false,
      },
      ...this.needs,
      lockSeconds: this.lockSeconds,
      ...changes,
    };
    const words = [...inside, process.execPath, starter, fakeWorker, JSON.stringify(settings)];
    const child = spawn(present(words[0]), words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: RunningWorker['lines'] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((line) => JSON.parse(line) as WorkerLine));
    });
    const end = new Promise<number | string>((resolve) =>
      child.on('close', (code, signal) => resolve(code ?? signal ?? '')),
    );
    const worker = { child, lines, end };
    this.workers.push(worker);
    return worker;
  }

  queued(): Promise<Executor> {
    return bullmqExecutor({ ...this.queueSettings, note: (text) => void this.notes.push(text) });
  }

  /** A controller in a process of its own. */
  controller(): ChildProcess {
    const settings: FakeControllerSettings = { executor: this.queueSettings, jobs: this.jobs };
    return spawn(process.execPath, [starter, fakeController, JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  private get queueSettings(): FakeControllerSettings['executor'] {
    return {
      ...{ queue: this.url, name: 'test', runFolder: this.runFolder, slots: 100, needs: this.needs },
      ...{ method: 'fake', store: this.store, times: queueTimes(this.lockSeconds) },
      child: { recycleBytes: 3e9, silentMs: null, precision: 'float32' },
    };
  }

  async runQueued(signal?: AbortSignal): Promise<RunOutcome> {
    return this.run(1, { executor: await this.queued(), signal });
  }

  /** Until a worker said so of a job. */
  said(type: WorkerLine['type'], job: string, by?: RunningWorker): Promise<void> {
    const among = by === undefined ? this.workers : [by];
    return this.until(() =>
      among.some(({ lines }) =>
        lines.some((line) => line.type === type && 'job' in line && line.job === job),
      ),
    );
  }

  /** For who looks at a failure: what the controller and the workers said. */
  describe(): void {
    const lines = this.workers.map((worker) =>
      worker.lines.map((line) => JSON.stringify(line).slice(0, 300)),
    );
    console.log(JSON.stringify({ notes: this.notes, log: this.log(), lines }, null, 2));
    for (const event of this.events) console.log(JSON.stringify(event).slice(0, 300));
  }

  async close(): Promise<void> {
    for (const { child } of this.workers) child.kill('SIGKILL');
    await Promise.all(this.workers.map(({ end }) => end));
    await this.redis?.remove();
    this.dispose();
  }
}
