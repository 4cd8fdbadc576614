import { availableParallelism, cpus, totalmem } from 'node:os';
import { z } from 'zod';
import type { Config } from '../../../config/schema.ts';
import { withoutOperation } from '../../../config/without-operation.ts';
import type { Json } from '../../../util/hash.ts';
import { programVersion } from '../../../util/program-version.ts';

/** What a run tells of itself in its folder beside its jobs (`PlanRecord.about`), for its report. */
const schema = z.object({
  method: z.string(),
  /** With a digest of all sources. */
  program: z.string(),
  /** That the run was started on. */
  machine: z.object({
    processor: z.string(),
    /** That this process may use. */
    cores: z.number(),
    memoryBytes: z.number(),
    system: z.string(),
  }),
  /** As it ran, without how it was operated: no address, no password. */
  config: z.looseObject({
    seed: z.number().optional().catch(undefined),
    teacher: z
      .looseObject({
        checkpoint: z.string().optional().catch(undefined),
        architecture: z.string().optional().catch(undefined),
      })
      .optional()
      .catch(undefined),
  }),
});

export type AboutRun = Readonly<z.infer<typeof schema>>;

/** Taken where a run is started. */
export async function aboutRun(method: string, config: Config): Promise<Json> {
  return {
    method,
    program: await programVersion(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown processor',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      system: `${process.platform} ${process.arch}`,
    },
    config: JSON.parse(JSON.stringify(withoutOperation(config))) as Json,
  };
}

/** @returns undefined for what is none: runs of earlier versions tell nothing */
export function readAbout(about: unknown): AboutRun | undefined {
  return schema.safeParse(about).data;
}
