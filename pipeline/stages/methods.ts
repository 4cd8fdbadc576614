import { fileURLToPath } from 'node:url';
import type { MethodSchema } from '../config/method.ts';
import type { Config } from '../config/schema.ts';
import type { JobId, Stage } from '../runner/contract.ts';
import { exportJob } from './blocks/artefacts.ts';
import { stages } from './blocks/graph.ts';
import { blocksSchema, checkBlocks, type BlocksConfig } from './blocks/schema.ts';
import type { PlanInput } from './common/plan-input.ts';

/** A way from a teacher to what is handed on: what its config may say, and the jobs that follow from it. */
export interface Method<C extends Config> extends MethodSchema<C> {
  readonly stages: readonly Stage<PlanInput<C>>[];
  /** Path of the module that exports them, for the processes that do their jobs. */
  readonly registry: string;
  /**
   * The job that makes the library, published as `library`; absent where the method makes none, or something else. Its
   * settings hold the whole config as `config`: by them `verify` and `compose` find the images again.
   */
  readonly library?: JobId | undefined;
}

export const blocks: Method<BlocksConfig> = {
  name: 'blocks',
  schema: blocksSchema,
  check: checkBlocks,
  stages,
  registry: fileURLToPath(new URL('./blocks/graph.ts', import.meta.url)),
  library: exportJob,
};

/** Every method that `method:` may name, the default first. A new one is a folder beside `blocks/` and a line here. */
export const methods: readonly Method<Config>[] = [blocks];

/** The method of a config that was loaded with `among`. */
export function methodOf({ method }: Pick<Config, 'method'>, among = methods): Method<Config> {
  const found = among.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`there is no method ${method}`);
  return found;
}
