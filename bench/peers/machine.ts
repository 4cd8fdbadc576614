import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Engine } from '../../pipeline/tensor/engine.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { formatBytes } from '../../pipeline/util/format.ts';

/** Where the numbers were made. A type, not an interface, so that it is JSON. */
export type Machine = {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  /** Others' work and ours, processes over the last minute, before the first row. */
  readonly load: number;
  readonly engine: string;
  readonly threads: number;
  readonly node: string;
};

export function machineOf(engine: Engine): Machine {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: formatBytes(totalmem()),
    load: Math.round(100 * loadavg()[0]!) / 100,
    engine: engine.description,
    threads: engine.threads,
    node: process.versions.node,
  };
}

export function describeMachine({
  date,
  processor,
  cores,
  memory,
  load,
  engine,
  threads,
  node,
}: Machine): string {
  return `${date.slice(0, 16).replace('T', ' ')}; ${processor}, ${cores} cores, ${memory}; load ${load}\nours: ${engine}, Node.js ${node}; threads on both sides: ${threads}`;
}

/** What this processor computes fast: bfloat16 needs instructions of its own. */
export function precisionsOf(cpuinfo = readCpuinfo()): readonly Precision[] {
  return /\b(avx512_bf16|amx_bf16)\b/.test(cpuinfo) ? ['float32', 'bfloat16'] : ['float32'];
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
