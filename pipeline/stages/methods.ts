import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import { exportJob } from './blocks/artefacts.ts';
import { stages } from './blocks/graph.ts';
import { planNotes } from './blocks/notes.ts';
import { blocksSchema, checkBlocks, type BlocksConfig } from './blocks/schema.ts';
import type { Method } from './common/method.ts';
import { reportJob } from './ed-vit/artefacts.ts';
import { stages as edVitStages } from './ed-vit/graph.ts';
import { planNotes as edVitNotes } from './ed-vit/notes.ts';
import { checkEdVit } from './ed-vit/check.ts';
import { edVitPaths, edVitSchema, type EdVitConfig } from './ed-vit/schema.ts';

export const blocks: Method<BlocksConfig> = {
  name: 'blocks',
  schema: blocksSchema,
  check: checkBlocks,
  stages,
  registry: fileURLToPath(new URL('./blocks/graph.ts', import.meta.url)),
  library: exportJob,
  notes: planNotes,
};

export const edVit: Method<EdVitConfig> = {
  name: 'ed-vit',
  schema: edVitSchema,
  paths: edVitPaths,
  check: checkEdVit,
  stages: edVitStages,
  registry: fileURLToPath(new URL('./ed-vit/graph.ts', import.meta.url)),
  ending: {
    job: reportJob,
    read: async (runFolder) => (await import('./ed-vit/ending.ts')).readEnding(runFolder),
  },
  notes: edVitNotes,
};

/** Every method that `method:` may name, the default first. A new one is a folder beside `blocks/`, its stages in `stages-of-methods.ts` and its value here. */
export const methods: readonly Method<Config>[] = [blocks, edVit];

/** The method of a config that was loaded with `among`. */
export function methodOf({ method }: Pick<Config, 'method'>, among = methods): Method<Config> {
  const found = among.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`there is no method ${method}`);
  return found;
}
