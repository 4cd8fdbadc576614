/**
 * Ours against PyTorch and NumPy in one table: distillation step, forward pass, evaluation, order and refit.
 *
 *     BLOCKFORGE_PYTHON=/path/to/python3 npm run bench -- [--only step,forward] [--whole] [--json FILE]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { writeJsonAtomic } from '../pipeline/util/atomic.ts';
import { BlockForgeError, describeFailure, fail } from '../pipeline/util/failure.ts';
import type { BenchContext, Row } from './peers/comparison.ts';
import { describeMachine, machineOf, precisionsOf } from './peers/machine.ts';
import { difference, largestDifference, measure, type Side } from './peers/measure.ts';
import { startPeer, type Peer } from './peers/peer.ts';
import { legend, renderAnswers, renderRows, unequal, type RowResult } from './peers/render.ts';
import { groups, rowsOf } from './peers/rows.ts';

const help = `npm run bench -- [options]: ours against PyTorch and NumPy, one table
  --only NAMES    of ${groups.join(', ')}; with commas
  --whole         also a whole library of ViT-Tiny (minutes; needs VIT_TINY, see configs/vit-tiny-in1k.yaml)
  --seconds N     how long to repeat a row (default 8), three times at the least
  --engine NAME   auto (default), tensorflow, webgpu or wasm
  --json FILE     the numbers, for programs
BLOCKFORGE_PYTHON names a Python with torch and numpy; without it there is our side alone.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      whole: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '8' },
      engine: { type: 'string', default: 'auto' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const only: readonly string[] = values.only?.split(',') ?? groups;
  const strange = only.find((name) => !(groups as readonly string[]).includes(name));
  if (strange !== undefined) {
    fail({
      reason: 'usage',
      subject: '--only',
      found: strange,
      expected: groups.join(', '),
      next: 'npm run bench -- --help',
    });
  }
  const rows = rowsOf(precisionsOf()).filter(({ group, isLong = false }) =>
    isLong ? values.whole : only.includes(group),
  );

  const interpreter = process.env.BLOCKFORGE_PYTHON;
  const engine = await loadEngine(values.engine as EngineChoice);
  const machine = machineOf(engine);
  const peers = new Map<number, Promise<Peer>>();
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-bench-'));
  const context: BenchContext = {
    engine,
    folder,
    async peer(threads) {
      if (interpreter === undefined) return undefined;
      const started = peers.get(threads) ?? startPeer(interpreter, threads);
      peers.set(threads, started);
      return started;
    },
  };
  try {
    console.log(describeMachine(machine));
    const theirs = (await context.peer(engine.threads))?.facts.description;
    console.log(
      theirs === undefined
        ? 'theirs: not measured; BLOCKFORGE_PYTHON=/path/to/python3 npm run bench, a Python with torch and numpy, adds PyTorch and NumPy'
        : `theirs: ${theirs}`,
    );
    const results: RowResult[] = [];
    for (const row of rows) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${row.title}`);
      results.push(await resultOf(row, context, Number(values.seconds)));
      for (const peer of peers.values()) await (await peer).forget();
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    console.log(['', ...renderRows(results), ...renderAnswers(results), '', ...legend].join('\n'));
    console.log(`load at the end ${loadavg()[0]!.toFixed(2)}`);
    if (values.json !== undefined) {
      await writeJsonAtomic(values.json, { machine, theirs: theirs ?? null, rows: results });
    }
    const problems = unequal(results);
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
  } finally {
    for (const peer of peers.values()) await (await peer.catch(() => undefined))?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function resultOf(row: Row, context: BenchContext, seconds: number): Promise<RowResult> {
  const comparison = await row.open(context);
  const { ours, products, peers, flop, tolerance, answers: named = [] } = comparison;
  const apart = named.length > 0 ? largestDifference : difference;
  try {
    const sides: Record<string, Side> = {
      ...(ours && { ours }),
      ...(products && { products: products.side }),
      ...Object.fromEntries(peers.map(({ name, side }) => [name, side])),
    };
    const { best, answers, rounds, count } = await measure(sides, {
      warmUp: comparison.warmUp,
      seconds: row.isLong ? 0 : seconds,
      rounds: row.isLong ? 0 : 3,
    });
    const own = answers.ours;
    const timing = (name: string) => best[name] ?? { wallSeconds: NaN, processorSeconds: NaN };
    return {
      title: row.title,
      rounds,
      count,
      ours: best.ours ?? null,
      flop: flop ?? null,
      products: products === undefined ? null : { flop: products.flop, timing: timing('products') },
      peers: peers.map(({ name }) => ({
        name,
        timing: timing(name),
        difference: own === undefined ? null : apart(answers[name] ?? [], own),
        tolerance,
      })),
      answers: named.map((name, index) => ({
        name,
        values: ['ours', ...peers.map((peer) => peer.name)].map((side) => answers[side]?.[index] ?? NaN),
      })),
    };
  } finally {
    comparison.close();
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof BlockForgeError) console.error(describeFailure(error.failure));
  else if (error instanceof TypeError && 'code' in error) console.error(`${error.message}\n${help}`);
  else throw error;
  process.exitCode = 2;
}
