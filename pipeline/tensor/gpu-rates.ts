import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeJsonAtomic } from '../util/atomic.ts';

/** Floating-point operations per second that the webgpu engine reached on this machine's GPU. */
export interface GpuRates {
  /** Steps of a block's training. */
  readonly training: number;
  /** Whole models forward, images handed over and logits read. */
  readonly inference: number;
}

/** `$BLOCKFORGE_CACHE/webgpu-rates.json`, else in `~/.cache/blockforge`: `npm run gpu-check` writes it, plans read it. */
const fileOf = (environment: NodeJS.ProcessEnv): string =>
  join(environment.BLOCKFORGE_CACHE || join(homedir(), '.cache', 'blockforge'), 'webgpu-rates.json');

/** What was measured last on this machine; undefined where nothing was. */
export function measuredGpuRates(environment: NodeJS.ProcessEnv = process.env): GpuRates | undefined {
  try {
    const text = readFileSync(fileOf(environment), 'utf8');
    const { training, inference } = JSON.parse(text) as Partial<GpuRates>;
    const isRate = (value: unknown): value is number => Number.isFinite(value) && (value as number) > 0;
    return isRate(training) && isRate(inference) ? { training, inference } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws BlockForgeError `place-unusable`, `out-of-space` */
export async function keepGpuRates(
  rates: GpuRates,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  await writeJsonAtomic(fileOf(environment), rates);
}
