/**
 * What a second slot brings: the same run with `executor.slots` 1 and 2 in turns, widths and images divided among as many jobs, engine wasm;
 * the ratio for the distill stage and for the whole run, and, as the most that this machine can give, that of two processes that each do
 * a fixed amount of the engine's products. Wall clock is the claim; processor seconds tell on a busy machine whether more work was done.
 *
 *     npm run bench -- side-by-side [--config demo.yaml] [--rounds 3] [--slots 2] [--set key=value]...
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Event } from '../pipeline/runner/contract.ts';
import { renderTable } from '../pipeline/terminal/table.ts';
import { packageFolder } from '../pipeline/util/package.ts';
import { stageTimes } from './side-by-side/stage-times.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: 'demo.yaml' },
    rounds: { type: 'string', default: '3' },
    slots: { type: 'string', default: '2' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const slots = Number(values.slots);
const starter = join(packageFolder, 'scripts', 'start.js');
const main = join(packageFolder, 'pipeline', 'cli', 'main.ts');
const products = join(import.meta.dirname, 'side-by-side', 'products.ts');
const folder = mkdtempSync(join(tmpdir(), 'blockforge-side-by-side-'));

/** Every process leaves its processor time here, in microseconds. */
const note = encodeURIComponent(
  "import{writeFileSync as w}from'node:fs';import{isMainThread as m}from'node:worker_threads';" +
    `if(m)process.on('exit',()=>{const{user,system}=process.cpuUsage();w('${folder}/'+process.pid+'.cpu',String(user+system))})`,
);
const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${note}` };

/** Passes over images are cut into as many jobs as there are slots, in both runs alike. */
const settings = [
  'engine=wasm',
  'inputs.from=teacher',
  `statistics.shards=${slots}`,
  `measure.shards=${slots}`,
  `descendants.shards=${slots}`,
  ...values.set,
];

type RunTimes = ReturnType<typeof stageTimes> & { readonly processorSeconds: number };

function start(...words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [starter, ...words], {
      cwd: packageFolder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${words[1]}: exit code ${code}`)),
    );
  });
}

/** @returns seconds of the whole run, of each stage, and of processors */
async function measureRun(atOnce: number, round: number): Promise<RunTimes> {
  const name = `slots-${atOnce}-${round}`;
  const sets = [...settings, `executor.slots=${atOnce}`, `name=${name}`].flatMap((set) => ['--set', set]);
  await start(main, '--config', values.config, '--quiet', '--runs', folder, ...sets);
  const lines = readFileSync(join(folder, name, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const events = lines.map((line) => JSON.parse(line) as Event & { time: string });
  rmSync(join(folder, name), { recursive: true });
  return { ...stageTimes(events), processorSeconds: takeProcessorSeconds() };
}

function takeProcessorSeconds(): number {
  const notes = readdirSync(folder).filter((file) => file.endsWith('.cpu'));
  const micros = notes.reduce((sum, file) => sum + Number(readFileSync(join(folder, file), 'utf8')), 0);
  for (const file of notes) rmSync(join(folder, file));
  return micros / 1e6;
}

/** Seconds of `atOnce` processes that each do the same products. */
async function measureProducts(atOnce: number): Promise<number> {
  const begun = performance.now();
  await Promise.all(Array.from({ length: atOnce }, () => start(products, '300')));
  takeProcessorSeconds();
  return (performance.now() - begun) / 1000;
}

try {
  // Compiles what has changed; not counted.
  await measureProducts(1);
  const runs: Record<number, RunTimes[]> = { 1: [], [slots]: [] };
  const ceilings: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const atOnce of [1, slots]) runs[atOnce]!.push(await measureRun(atOnce, round));
    ceilings.push((slots * (await measureProducts(1))) / (await measureProducts(slots)));
  }
  const least = (atOnce: number, of: (run: RunTimes) => number): number => Math.min(...runs[atOnce]!.map(of));
  const rows: readonly (readonly [string, (run: RunTimes) => number])[] = [
    ...Object.keys(runs[1]![0]!.stages).map(
      (stage) => [stage, (run: RunTimes) => run.stages[stage] ?? 0] as const,
    ),
    ['whole', (run) => run.seconds],
    ['processor seconds', (run) => run.processorSeconds],
  ];
  const lines = renderTable(
    [
      { title: 'seconds' },
      ...['1 slot', `${slots} slots`, 'ratio'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows.map(([name, of]) => {
      const [one, many] = [least(1, of), least(slots, of)];
      return [name, one.toFixed(2), many.toFixed(2), `${(one / many).toFixed(2)}x`];
    }),
  );
  console.log(
    `${cpus().length} x ${cpus()[0]?.model ?? '?'}, load ${loadavg()[0]!.toFixed(1)}, minimum of ${values.rounds}\n${lines.join('\n')}`,
  );
  console.log(
    `products alone, ${slots} processes: ${Math.max(...ceilings).toFixed(2)}x (the most this machine gives)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
