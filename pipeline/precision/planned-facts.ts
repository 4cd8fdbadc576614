import { readFileSync } from 'node:fs';
import { installedEngines, listGpus, type EngineName } from '../tensor/installed.ts';
import type { PrecisionFacts } from './bfloat16-obstacle.ts';

/** What is known before an engine is loaded: of what is installed, this machine and this process. */
export function plannedFacts(engine: EngineName): PrecisionFacts {
  const isCuda = engine === 'tensorflow' && installedEngines().tensorflow?.variant === 'cuda';
  const device = isCuda && listGpus().length > 0 ? 'gpu' : 'cpu';
  return { engine, device, functions: true, flags: processorFlags(), environment: process.env };
}

/** The flags of the first processor; none where the system is not Linux. */
export function processorFlags(file = '/proc/cpuinfo'): readonly string[] {
  try {
    return /^flags\s*: (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
  } catch {
    return [];
  }
}
