import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Event, JobPlan } from '../../pipeline/runner/contract.ts';
import type { Executor } from '../../pipeline/runner/executor.ts';
import { localExecutor, type LocalSettings } from '../../pipeline/runner/local/executor.ts';
import { run, type RunOptions, type RunOutcome } from '../../pipeline/runner/run.ts';
import { stages, type FakeBehaviour, type FakeInput, type FakeLogLine } from './fake-stages.ts';
import { present } from '../support/present.ts';

/** A job with only what a test is about. */
export function job(id: string, parts: Partial<JobPlan> = {}): JobPlan {
  return {
    id,
    needs: [],
    settings: {},
    estimate: { seconds: 1, memoryBytes: 1e6, diskBytes: 1e3 },
    ...parts,
  };
}

export const fakeRegistry = fileURLToPath(new URL('./fake-stages.ts', import.meta.url));

/** A temporary run folder with a graph of fake jobs, run in real processes whose behaviour the test controls. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'blockforge-runner-'));
  readonly runFolder = join(this.folder, 'runs/fake');
  readonly control = join(this.folder, 'control');
  jobs: readonly JobPlan[] = [];
  events: Event[] = [];

  constructor() {
    mkdirSync(this.control);
  }

  behave(id: string, behaviour: FakeBehaviour): void {
    writeFileSync(join(this.control, `${id.replace('/', '--')}.json`), JSON.stringify(behaviour));
  }

  options(slots = 1, options: Partial<RunOptions<FakeInput>> = {}): RunOptions<FakeInput> {
    return {
      stages,
      input: { jobs: this.jobs },
      name: 'fake',
      engine: 'wasm',
      runFolder: this.runFolder,
      executor: this.executor({ slots }),
      subscribers: [(event) => this.events.push(event)],
      ...options,
    };
  }

  executor(settings: Pick<LocalSettings, 'slots' | 'recycleBytes' | 'silentMs'>): Executor {
    return localExecutor({
      registry: fakeRegistry,
      runFolder: this.runFolder,
      environment: (slot) => ({ FAKE_CONTROL: this.control, FAKE_SLOT: String(slot) }),
      ...settings,
    });
  }

  /** Runs the graph; `events` and the log begin anew. */
  async run(slots = 1, options: Partial<RunOptions<FakeInput>> = {}): Promise<RunOutcome> {
    this.events = [];
    rmSync(this.logFile, { force: true });
    return run(this.options(slots, options));
  }

  get logFile(): string {
    return join(this.control, 'log.jsonl');
  }

  log(): FakeLogLine[] {
    if (!existsSync(this.logFile)) return [];
    // The last line may be about to be written: it is there when its end is.
    const lines = readFileSync(this.logFile, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as FakeLogLine);
  }

  /** Ids of the jobs that ran, sorted. */
  started(): string[] {
    return this.log()
      .filter(({ type }) => type === 'start')
      .map(({ job }) => present(job))
      .sort();
  }

  event<T extends Event['type']>(type: T, id?: string): Event & { type: T } {
    const found = this.events.find(
      (event) => event.type === type && (!id || ('job' in event && event.job === id)),
    );
    if (found === undefined) throw new Error(`no event ${type} of ${id ?? 'the run'}`);
    return found as Event & { type: T };
  }

  result(id: string): string {
    return readFileSync(join(this.runFolder, id, 'deep/result.txt'), 'utf8');
  }

  /** Ends the waiting of jobs with `waitFor: name`. */
  release(name: string): void {
    writeFileSync(join(this.control, name), '');
  }

  async until(condition: () => boolean, seconds = 15): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${condition.toString()}`);
      await sleep(5);
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
