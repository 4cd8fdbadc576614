/**
 * What it takes to start: `--help`, `--plan` of the demo, a worker until it answers, and one until its engine is loaded; beside
 * them the same through tsx, which compiles file by file, and Node.js itself. The minimum of some rounds that take turns, wall
 * clock and processor time of all processes together.
 *
 *     npm run bench -- start [rounds] [auto|tensorflow|wasm]
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveEngine, type EngineChoice } from '../pipeline/tensor/installed.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { packageFolder } from '../pipeline/util/package.ts';

const [rounds = '5', choice = 'auto'] = process.argv.slice(2);
const engine = resolveEngine(choice as EngineChoice);
const starter = join(packageFolder, 'scripts', 'start.js');
const tsx = ['--import', createRequire(import.meta.url).resolve('tsx')];
const main = join(packageFolder, 'pipeline', 'cli', 'main.ts');
const worker = join(packageFolder, 'pipeline', 'runner', 'local', 'worker.ts');
const registry = join(packageFolder, 'pipeline', 'stages', 'blocks', 'graph.ts');
const folder = mkdtempSync(join(tmpdir(), 'blockforge-start-'));
const plan = ['--config', 'demo.yaml', '--plan', '--runs', folder];

/** Every Node.js process below leaves its processor time here, in microseconds. */
const note = encodeURIComponent(
  "import{writeFileSync as w}from'node:fs';import{isMainThread as m}from'node:worker_threads';" +
    `if(m)process.on('exit',()=>{const{user,system}=process.cpuUsage();w('${folder}/'+process.pid+'.cpu',String(user+system))})`,
);
const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${note}` };

interface Start {
  readonly name: string;
  readonly start: () => ChildProcess;
  /** Seconds. */
  readonly bar?: number;
  /** A worker: what it is to answer before it is let go. */
  readonly asked?: string | null;
}

const run = (command: string, ...words: string[]): ChildProcess =>
  spawn(command, words, { cwd: packageFolder, env, stdio: 'ignore' });
const work = (...words: string[]): ChildProcess =>
  fork(words[0]!, [...words.slice(1), registry, folder], {
    execArgv: words[0] === worker ? tsx : [],
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
const npm = ['run', '-s', 'pipeline', '--'];
const starts: readonly Start[] = [
  { name: 'node, nothing', start: () => run(process.execPath, '--eval', '0') },
  { name: 'npm run pipeline -- --help', start: () => run('npm', ...npm, '--help'), bar: 0.5 },
  { name: 'npm run pipeline -- ... --plan', start: () => run('npm', ...npm, ...plan), bar: 1 },
  { name: '--help, without npm', start: () => run(process.execPath, starter, main, '--help') },
  { name: '--help, through tsx', start: () => run(process.execPath, ...tsx, main, '--help') },
  { name: '--plan, without npm', start: () => run(process.execPath, starter, main, ...plan) },
  { name: '--plan, through tsx', start: () => run(process.execPath, ...tsx, main, ...plan) },
  { name: 'worker', start: () => work(starter, worker), asked: null },
  { name: 'worker, through tsx', start: () => work(worker), asked: null },
  { name: `worker with ${engine}`, start: () => work(starter, worker), asked: engine },
  { name: `worker with ${engine}, through tsx`, start: () => work(worker), asked: engine },
];

/** @returns seconds by the clock and of processor time */
async function measure({ start, asked }: Start): Promise<{ wall: number; cpu: number }> {
  const begun = performance.now();
  const child = start();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (asked !== undefined) {
    const job = { id: 'none/none', needs: [], settings: {}, estimate: {} };
    const request = { stage: 'none', job, engine: asked, folder: 'x', resumeFolder: 'y', published: {} };
    child.send({ type: 'job', request });
    // It knows no such stage, and says so when all that a job needs is loaded.
    await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
    if (!child.connected) throw new Error('the worker died');
  }
  const answered = performance.now();
  if (asked !== undefined) child.disconnect();
  await ended;
  const wall = ((asked === undefined ? performance.now() : answered) - begun) / 1000;
  const notes = readdirSync(folder).filter((name) => name.endsWith('.cpu'));
  const cpu = notes.reduce((sum, name) => sum + Number(readFileSync(join(folder, name), 'utf8')), 0) / 1e6;
  for (const name of notes) rmSync(join(folder, name));
  return { wall, cpu };
}

try {
  await measure(starts[3]!);
  const best = starts.map(() => ({ wall: Infinity, cpu: Infinity }));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [index, start] of starts.entries()) {
      const { wall, cpu } = await measure(start);
      best[index]!.wall = Math.min(best[index]!.wall, wall);
      best[index]!.cpu = Math.min(best[index]!.cpu, cpu);
    }
  }
  const lines = renderTable(
    [
      { title: 'start' },
      ...['wall s', 'processor s', 'bar'].map((title) => ({ title, align: 'right' as const })),
    ],
    starts.map(({ name, bar }, index) => {
      const { wall, cpu } = best[index]!;
      const verdict =
        bar === undefined ? '' : `${bar} ${wall <= bar ? 'met' : `missed ${(wall / bar).toFixed(2)}x`}`;
      return [name, wall.toFixed(3), cpu.toFixed(3), verdict];
    }),
  );
  console.log(`Node.js ${process.version}, minimum of ${rounds}\n${lines.join('\n')}`);
} finally {
  rmSync(folder, { recursive: true });
}
