/**
 * What running costs beside the work: jobs that write 4 kB and nothing else, four in a row for each block, in the controller's own process, by
 * `local`, and through BullMQ on a Redis of its own with one worker of as many slots; and what memory the controller takes.
 *
 *     npm run bench -- queue [--jobs 200,1000] [--slots 2] [--rounds 1] [--kinds here,local,bullmq]
 *
 * Milliseconds a job are those of a slot: the run's time, times slots, over jobs; starts of processes are in it. Each run is a controller
 * in a process of its own; the folder of runs is the temporary one (TMPDIR).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderTable } from '../pipeline/terminal/table.ts';
import type { ControllerReport } from './queue/controller.ts';
import { startRedis } from './queue/redis.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '200,1000' },
    slots: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '1' },
    kinds: { type: 'string', default: 'here,local,bullmq' },
  },
});
const kinds = values.kinds.split(',');
const slots = Number(values.slots);
/** Milliseconds a job that the queue may add. */
const bar = 50;
const tsx = ['--import', createRequire(import.meta.url).resolve('tsx')];
const folder = mkdtempSync(join(tmpdir(), 'blockforge-queue-'));
const redis = kinds.includes('bullmq') ? await startRedis() : undefined;

function start(program: string, ...words: string[]): ChildProcess {
  const file = join(import.meta.dirname, 'queue', `${program}.ts`);
  return spawn(process.execPath, [...tsx, file, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function measure(kind: string, jobs: number, round: number): Promise<ControllerReport> {
  const runFolder = join(folder, `${kind}-${jobs}-${round}`);
  const controller = start(
    'controller',
    kind === 'bullmq' ? (redis?.url ?? '') : kind,
    String(jobs),
    String(slots),
    runFolder,
  );
  let text = '';
  controller.stdout?.on('data', (part: Buffer) => (text += String(part)));
  const code = await new Promise((resolve) => controller.once('exit', resolve));
  if (code !== 0) throw new Error(`the controller of ${kind} ended with ${String(code)}`);
  const report = JSON.parse(text.trim().split('\n').at(-1) ?? '') as ControllerReport;
  if (report.ran !== jobs) throw new Error(`${report.ran} of ${jobs} jobs ran`);
  return report;
}

const worker = redis && start('worker', redis.url, folder, String(slots));
try {
  if (worker !== undefined) await new Promise((resolve) => worker.stdout?.once('data', resolve));
  worker?.stdout?.resume();
  const rows: string[][] = [];
  const verdicts: string[] = [];
  for (const jobs of values.jobs.split(',').map(Number)) {
    const best = new Map<string, ControllerReport>();
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const kind of kinds) {
        const report = await measure(kind, jobs, round);
        if (report.seconds < (best.get(kind)?.seconds ?? Infinity)) best.set(kind, report);
      }
    }
    const msOf = (kind: string): number => (1000 * slots * (best.get(kind)?.seconds ?? NaN)) / jobs;
    for (const [kind, report] of best) {
      rows.push([
        String(jobs),
        kind,
        msOf(kind).toFixed(1),
        ((1000 * report.processorSeconds) / jobs).toFixed(1),
        report.quarterBytes.map((bytes) => (bytes / 1e6).toFixed(0)).join(' '),
      ]);
    }
    const added = msOf('bullmq') - msOf('local');
    if (Number.isFinite(added)) {
      verdicts.push(
        `${jobs} jobs: bullmq adds ${added.toFixed(1)} ms a job, ${bar} ${added <= bar ? 'met' : 'missed'}`,
      );
    }
  }
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    right('jobs'),
    { title: 'by' },
    right('ms a job'),
    right('controller ms'),
    right('its MB by quarter'),
  ];
  console.log(`${slots} slots, minimum of ${values.rounds}, load ${loadavg()[0]!.toFixed(1)}`);
  console.log([...renderTable(columns, rows), ...verdicts].join('\n'));
} finally {
  const ended = worker && new Promise((resolve) => worker.once('exit', resolve));
  worker?.kill('SIGTERM');
  await ended;
  redis?.stop();
  rmSync(folder, { recursive: true, force: true });
}
