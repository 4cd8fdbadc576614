import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import { exportJob } from './blocks/artefacts.ts';
import { stages } from './blocks/graph.ts';
import { freedStages, planNotes } from './blocks/notes.ts';
import { blocksSchema, checkBlocks, type BlocksConfig } from './blocks/schema.ts';
import type { Method } from './common/method.ts';
import { checkDevit } from './devit/check.ts';
import { stages as devitStages } from './devit/graph.ts';
import { planNotes as devitNotes } from './devit/notes.ts';
import { otherCheckpoints } from './devit/others.ts';
import { devitPaths, devitSchema, type DevitConfig } from './devit/schema.ts';
import { stages as edVitStages } from './ed-vit/graph.ts';
import { edVitSchema, type EdVitConfig } from './ed-vit/schema.ts';
import { reportJob } from './fleets/artefacts.ts';
import { checkFleetsConfig } from './fleets/check.ts';
import { planNotes as fleetNotes } from './fleets/notes.ts';
import type { FleetsMethod } from './fleets/report-file.ts';
import { fleetsPaths } from './fleets/schema.ts';

export const blocks: Method<BlocksConfig> = {
  name: 'blocks',
  schema: blocksSchema,
  check: checkBlocks,
  stages,
  registry: fileURLToPath(new URL('./blocks/graph.ts', import.meta.url)),
  library: exportJob,
  notes: planNotes,
  frees: freedStages,
  report: async () => (await import('./blocks/page/blocks-report.ts')).blocksReport,
};

/** Fleets end with the table of their report. */
const endingOf = (method: FleetsMethod): Method<Config>['ending'] => ({
  job: reportJob,
  read: async (runFolder) => (await import('./fleets/ending.ts')).readEnding(runFolder, method),
});

const reportOf = (method: FleetsMethod): Method<Config>['report'] => {
  return async () => (await import('./fleets/page/fleets-report.ts')).fleetsReport(method);
};

export const edVit: Method<EdVitConfig> = {
  name: 'ed-vit',
  schema: edVitSchema,
  paths: fleetsPaths,
  check: checkFleetsConfig,
  stages: edVitStages,
  registry: fileURLToPath(new URL('./ed-vit/graph.ts', import.meta.url)),
  ending: endingOf('ed-vit'),
  report: reportOf('ed-vit'),
  notes: fleetNotes,
};

export const devit: Method<DevitConfig> = {
  name: 'devit',
  schema: devitSchema,
  paths: devitPaths,
  check: checkDevit,
  others: otherCheckpoints,
  stages: devitStages,
  registry: fileURLToPath(new URL('./devit/graph.ts', import.meta.url)),
  ending: endingOf('devit'),
  report: reportOf('devit'),
  notes: devitNotes,
};

/** Every method that `method:` may name, the default first. A new one is a folder beside `blocks/`, its stages in `stages-of-methods.ts` and its value here. */
export const methods: readonly Method<Config>[] = [blocks, edVit, devit];

/** The method of a config that was loaded with `among`. */
export function methodOf({ method }: Pick<Config, 'method'>, among = methods): Method<Config> {
  const found = among.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`there is no method ${method}`);
  return found;
}
