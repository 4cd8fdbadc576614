/**
 * The distillation step against what the engine's matrix product reaches, and against PyTorch.
 *
 *     npx tsx bench/distill.ts [auto|tensorflow|wasm] [seconds] [tokens]
 *     BLOCKFORGE_PYTHON=/path/to/python3 npx tsx bench/distill.ts     # with PyTorch beside it
 *
 * One descendant (D 768, H 1536), one batch (8,192 tokens; 1,024 on wasm), target given: the five products that a
 * step cannot do without, 10 * tokens * D * H operations. Steps, plain products and PyTorch's steps take turns, and the
 * best of each counts, so that other work on the machine meets all of them alike; processor time is given too, because it
 * hardly notices other work. Bars: 75 % of the plain rate, and 1.3 times PyTorch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { studentStep } from '../pipeline/distill/loop.ts';
import { disposeStudent, startStudent } from '../pipeline/distill/student.ts';
import { type FfnWeights, randomFfn } from '../pipeline/model/ffn-weights.ts';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { product } from '../pipeline/tensor/ops.ts';
import { random } from '../pipeline/util/random.ts';

/** Best of several repetitions. */
export interface Timing {
  readonly wallSeconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
}

export interface DistillBench {
  readonly tokens: number;
  /** Operations of a step: five products. */
  readonly flop: number;
  readonly step: Timing;
  /** The same five products alone. */
  readonly products: Timing;
  /** Absent without a Python. */
  readonly torch?: Timing & { readonly version: string };
}

const width = 768;
const hidden = 1536;

/** Measures the loaded engine for about `seconds`. */
export async function benchDistill(
  tokens: number,
  seconds: number,
  python?: { readonly interpreter: string; readonly threads: number },
): Promise<DistillBench> {
  const student = startStudent('bench', randomBlock(), () => 0);
  const x = tf.randomNormal([tokens, width], 0, 1, 'float32', 1);
  const target = tf.randomNormal([tokens, width], 0, 1, 'float32', 2);
  const hyper = { lossScale: 1 / (tokens * width), learningRate: 1e-3, gelu: 'exact', adam: {} } as const;
  const h = tf.randomNormal([tokens, hidden], 0, 1, 'float32', 3);
  const torch = python && (await startTorch(python.interpreter, tokens, python.threads));
  const step = (): void => {
    const loss = studentStep(student, { x, target }, hyper);
    loss.dataSync();
    loss.dispose();
  };
  const { fc1Kernel: w1, fc2Kernel: w2 } = { ...student.parameters };
  const kernels = [tf.clone(w1), tf.clone(w2)];
  const products = [
    () => product(x, kernels[0]!),
    () => product(h, kernels[1]!),
    () => product(target, kernels[1]!, false, true),
    () => product(x, h, true),
    () => product(h, target, true),
  ];
  const best = { step: never, torch: never, products: products.map(() => never) };
  step();
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    best.step = better(best.step, timed(step));
    best.products = best.products.map((time, i) =>
      better(
        time,
        timed(() => tf.tidy(() => void tf.sum(products[i]!()).dataSync())),
      ),
    );
    if (torch === undefined) continue;
    // Both sides' worker threads spin for a while after their work.
    await pause(300);
    for (let i = 0; i < 2; i++) best.torch = better(best.torch, await torch.step());
    await pause(300);
  }
  torch?.stop();
  disposeStudent(student);
  tf.dispose([x, target, h, ...kernels]);
  const sum = (key: keyof Timing) => best.products.reduce((total, time) => total + time[key], 0);
  return {
    tokens,
    flop: 10 * tokens * width * hidden,
    step: best.step,
    products: { wallSeconds: sum('wallSeconds'), processorSeconds: sum('processorSeconds') },
    ...(torch !== undefined && { torch: { ...best.torch, version: torch.version } }),
  };
}

const never: Timing = { wallSeconds: Infinity, processorSeconds: Infinity };

function better(a: Timing, b: Timing): Timing {
  return {
    wallSeconds: Math.min(a.wallSeconds, b.wallSeconds),
    processorSeconds: Math.min(a.processorSeconds, b.processorSeconds),
  };
}

function timed(run: () => void): Timing {
  const start = performance.now();
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return { wallSeconds: (performance.now() - start) / 1e3, processorSeconds: (user + system) / 1e6 };
}

function randomBlock(): FfnWeights {
  const stream = random(1, 'bench');
  return randomFfn(width, hidden, () => 0.03 * stream.normal());
}

/** PyTorch in a process of its own, one step per line. */
async function startTorch(interpreter: string, tokens: number, threads: number) {
  const script = join(import.meta.dirname, 'distill_torch.py');
  const child = spawn(interpreter, [script, ...[tokens, width, hidden, threads].map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const read = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${interpreter} ended; is PyTorch installed there?`);
    return line.value;
  };
  const version = await read();
  return {
    version,
    async step(): Promise<Timing> {
      child.stdin.write('\n');
      const [wallSeconds, processorSeconds] = (await read()).split(' ').map(Number) as [number, number];
      return { wallSeconds, processorSeconds };
    },
    stop: () => void child.stdin.end(),
  };
}

if (process.argv[1] === import.meta.filename) {
  const engine = await loadEngine((process.argv[2] ?? 'auto') as EngineChoice);
  const tokens = Number(process.argv[4] ?? (engine.name === 'wasm' ? 1024 : 8192));
  const interpreter = process.env.BLOCKFORGE_PYTHON;
  const result = await benchDistill(
    tokens,
    Number(process.argv[3] ?? 20),
    interpreter === undefined ? undefined : { interpreter, threads: engine.threads },
  );
  const line = (name: string, { wallSeconds, processorSeconds }: Timing, note = ''): void => {
    const [wall, processor] = [wallSeconds, processorSeconds].map((s) => (s * 1000).toFixed(0).padStart(6));
    const rate = (result.flop / wallSeconds / 1e9).toFixed(0).padStart(5);
    console.log(`${name.padEnd(36)}${wall} ms ${rate} GFLOP/s  (${processor} ms of processor)${note}`);
  };
  const { step, products, torch } = result;
  const ratios = (over: Timing, format: (ratio: number) => string): string =>
    [over.wallSeconds / step.wallSeconds, over.processorSeconds / step.processorSeconds]
      .map(format)
      .join(' / ');
  console.log(`${engine.description}; D ${width}, H ${hidden}, ${tokens} tokens`);
  line('the five products alone', products);
  line('distillation step', step);
  if (torch !== undefined) line(torch.version, torch);
  console.log('by wall / by processor time:');
  console.log(`  ${ratios(products, (r) => `${(100 * r).toFixed(0)} %`)} of the plain rate (bar: 75 %)`);
  if (torch !== undefined) console.log(`  ${ratios(torch, (r) => r.toFixed(2))} times PyTorch (bar: 1.3)`);
}
