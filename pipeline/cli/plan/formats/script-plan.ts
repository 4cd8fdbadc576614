import { basename, dirname, join, resolve } from 'node:path';
import { groupJobs, groupsId, type JobGroup } from '../../../runner/groups.ts';
import type { Plan } from '../../../runner/plan.ts';
import { installedEngines, type EngineName } from '../../../tensor/installed.ts';
import { packageFolder } from '../../../util/package.ts';
import type { PreparedRun, RunSource } from '../../run/prepare.ts';
import type { ScriptOptions } from '../arguments.ts';

/** A file for a scheduler. */
export interface ScriptFile {
  readonly name: string;
  readonly text: string;
  readonly isProgram: boolean;
}

/** What all of the writers start from: absolute paths only, so that it runs from anywhere. */
export interface ScriptPlan {
  readonly run: string;
  readonly runFolder: string;
  /** Where the plan was made: relative paths in `--set` are meant from here. */
  readonly cwd: string;
  readonly node: string;
  /** What `node` is to start. */
  readonly program: readonly string[];
  /** What says on a command line which run is meant. */
  readonly source: readonly string[];
  readonly planId: string;
  readonly groups: readonly ScriptGroup[];
  readonly options: ScriptOptions;
}

/** A group of jobs with what one of them asks for. */
export interface ScriptGroup extends JobGroup {
  /** Of the largest job, with room for what estimates miss. */
  readonly memoryMiB: number;
  /** Of the longest job, generously. */
  readonly minutes: number;
  readonly cpus: number;
  readonly gpus: number;
  /** Its jobs must not share a machine with others (timings). */
  readonly exclusive: boolean;
}

/** Estimates of memory are of arrays and engines; file caches of a container count as its own. */
const memoryFactor = 1.5;
const memoryExtraBytes = 500e6;
/** Machines differ by so much; what runs into the limit saves its state and goes on in another turn. */
const timeFactor = 4;
const leastMinutes = 15;

export function makeScriptPlan(
  { config, overrides, runs }: RunSource,
  { input, runFolder }: PreparedRun,
  plan: Plan,
  cwd: string,
  options: ScriptOptions,
): ScriptPlan {
  const groups = groupJobs(plan);
  const engine = input.engine;
  return {
    run: input.loaded.name,
    runFolder,
    cwd,
    node: process.execPath,
    program: [join(packageFolder, 'scripts', 'start.js'), join(packageFolder, 'pipeline', 'cli', 'main.ts')],
    source: [
      ...['--config', placeOfConfig(config, input.loaded.file)],
      ...overrides.flatMap((override) => (override.startsWith('engine=') ? [] : ['--set', override])),
      // "auto" may come to something else on another machine, and then nothing would be up to date.
      ...['--engine', engine],
      ...['--runs', resolve(cwd, runs)],
    ],
    planId: groupsId(groups),
    groups: groups.map((group) => ({ ...group, ...askFor(group, engine, options) })),
    options,
  };
}

/** A config of the package is named as it is: the package may lie elsewhere in an image. */
function placeOfConfig(config: string, file: string): string {
  return dirname(file) === join(packageFolder, 'configs') ? basename(file) : resolve(file || config);
}

function askFor(
  { jobs }: JobGroup,
  engine: EngineName,
  { gpus, cpus }: ScriptOptions,
): Omit<ScriptGroup, keyof JobGroup> {
  const memory = Math.max(...jobs.map(({ job }) => job.estimate.memoryBytes));
  const seconds = Math.max(...jobs.map(({ job }) => job.estimate.seconds));
  const hasNumerics = jobs.some(({ needsEngine }) => needsEngine);
  const isCuda = engine === 'tensorflow' && installedEngines().tensorflow?.variant === 'cuda';
  return {
    memoryMiB: Math.ceil((memory * memoryFactor + memoryExtraBytes) / 2 ** 28) * 256,
    minutes: Math.max(leastMinutes, Math.ceil((seconds * timeFactor) / 60)),
    cpus: hasNumerics ? (cpus ?? (engine === 'wasm' ? 1 : 4)) : 1,
    gpus: hasNumerics ? (gpus ?? (isCuda ? 1 : 0)) : 0,
    exclusive: jobs.some(({ job }) => job.exclusive === true),
  };
}
