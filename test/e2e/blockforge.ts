import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainingHistory } from '../../pipeline/distill/history.ts';
import type { Event } from '../../pipeline/runner/contract.ts';
import { present } from '../support/present.ts';
import { bench, program } from '../support/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const demoTeacher = join(root, 'checkpoints', 'demo-teacher');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own with configs in it, and the command line as a user calls it. */
export interface Workplace {
  readonly folder: string;
  write(name: string, content: string | Uint8Array): string;
  blockforge(...args: string[]): Promise<Outcome>;
  /** `npm run bench --`. */
  bench(...args: string[]): Promise<Outcome>;
  /** Runs with --json; `onEvent` sees every event as it comes and may send the process a signal. */
  run(
    args: string[],
    onEvent?: (event: Event, kill: (signal: NodeJS.Signals) => void) => void,
  ): Promise<Outcome & { events: Event[] }>;
  remove(): void;
}

export function workplace(environment: NodeJS.ProcessEnv = {}): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-e2e-'));
  const start = (args: string[], called = program) =>
    spawn(process.execPath, [...called, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', BLOCKFORGE_CACHE: join(folder, 'cache'), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const follow = (
    args: string[],
    onEvent?: (event: Event, kill: (signal: NodeJS.Signals) => void) => void,
    called = program,
  ): Promise<Outcome & { events: Event[] }> =>
    new Promise((resolve, reject) => {
      const child = start(args, called);
      const events: Event[] = [];
      let stdout = '';
      let stderr = '';
      let line = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        const lines = (line + text).split('\n');
        line = present(lines.pop());
        if (onEvent === undefined) return;
        for (const complete of lines) {
          const event = JSON.parse(complete) as Event;
          events.push(event);
          onEvent(event, (signal) => child.kill(signal));
        }
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr, events }));
    });
  return {
    folder,
    write(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    blockforge: (...args) => follow(args),
    bench: (...args) => follow(args, undefined, bench),
    run: (args, onEvent = () => {}) => follow([...args, '--json'], onEvent),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** sha256 of every file below `folder`, by relative path. */
export function hashes(folder: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    result[relative(folder, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return result;
}

/** The jobs a run did, in the order they finished. */
export function finished(events: readonly Event[]): string[] {
  return events.flatMap((event) => (event.type === 'job-finished' ? [event.job] : []));
}

/** Fails where a refit was kept: a library of refits is the same whatever becomes of the training. */
export function assertTrained(run: string): void {
  const jobs = readdirSync(join(run, 'distill'));
  const kept = jobs.flatMap((job) => {
    const history = readFileSync(join(run, 'distill', job, 'history.json'), 'utf8');
    return (JSON.parse(history) as TrainingHistory).widths.map((width) => width.kept);
  });
  assert.deepEqual([...new Set(kept)], ['trained']);
}

export function succeeded({ code, stderr }: Outcome): void {
  assert.equal(code, 0, stderr);
}

/** A small run from the demo's teacher: every stage, seconds. The rate is one at which so few steps gain on the refits. */
export const smallConfig = (changes = '') => `
teacher: { checkpoint: ${JSON.stringify(demoTeacher)} }
data:
  source: shapes
  shapes: { images: 3000 }
  splits: { calibration: 200, selection: 200, test: 100 }
statistics: { tokensPerImage: 16 }
descendants: { sparsities: [0.5, 0.75] }
distill: { duration: { steps: 20 }, batchSize: 16, learningRate: 1e-4 }
measure: { compositions: 8, latency: { warmup: 2, iterations: 5 } }
${changes}`;
