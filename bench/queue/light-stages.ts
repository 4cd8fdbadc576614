/** A registry whose jobs write a small file and nothing else: what is left of a run is what running costs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobContext, JobPlan, Stage } from '../../pipeline/runner/contract.ts';

export interface LightInput {
  readonly jobs: number;
}

/** Four jobs in a row for each block, as order, refit and distill are behind the statistics. */
const names = ['first', 'second', 'third', 'fourth'] as const;
const file = 'result.bin';

export const stages: readonly Stage<LightInput>[] = names.map((name, row) => ({
  name,
  version: 1,
  needsEngine: false,
  plan({ jobs }) {
    const before = names[row - 1];
    return Array.from({ length: Math.ceil((jobs - row) / names.length) }, (_, block): JobPlan => {
      const need = before && `${before}/block-${block}`;
      return {
        id: `${name}/block-${block}`,
        needs: need === undefined ? [] : [need],
        reads: need === undefined ? {} : { [need]: [file] },
        settings: { block },
        estimate: { seconds: 0.01, memoryBytes: 1e6, diskBytes: 4e3 },
      };
    });
  },
  work: () => Promise.resolve({ run }),
}));

export function prepareWorker(): Promise<{ engine: string; tensors: () => number }> {
  return Promise.resolve({ engine: 'none', tensors: () => 0 });
}

async function run(job: JobPlan, context: JobContext): Promise<{ bytes: number }> {
  let bytes = 4096;
  for (const need of job.needs) bytes += (await readFile(context.input(need, file))).length;
  context.progress({ fraction: 0.5, note: 'half' });
  await writeFile(join(context.folder, file), Buffer.alloc(4096, job.id));
  return { bytes };
}
