import type { z } from 'zod';
import type { Contradiction } from './check.ts';
import type { Config } from './schema.ts';

/** What a method adds to the config. Handed to the loader from above: no config code knows a method. */
export interface MethodSchema<C extends Config = Config> {
  /** As `method:` names it. */
  readonly name: string;
  /** `configSchema`, extended: strict, every key with its default, `method` a literal. */
  readonly schema: z.ZodType<C>;
  /** Keys that are paths of files, relative to the config, e.g. `fleets[].partition.file`; `hf:` stays as it is. */
  readonly paths?: readonly string[] | undefined;
  /** What contradicts each other in a config that fits the schema. */
  check(config: C): Contradiction[];
}
