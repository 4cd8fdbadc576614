import { fail } from '../util/failure.ts';
import type { JobId, JobPlan, Stage } from './contract.ts';
import { known } from '../util/known.ts';
import { oncePer } from '../util/once-per.ts';

export interface Selection {
  /** The jobs of this stage, and all that depend on them, run again from scratch. */
  readonly from?: string | undefined;
  /** Only the jobs of this stage run; what they need must be there. */
  readonly only?: string | undefined;
  /** Only these jobs run, those of them that this plan has; nothing is refused for what they lack. */
  readonly jobs?: ReadonlySet<JobId> | undefined;
}

export interface PlannedJob {
  readonly job: JobPlan;
  readonly stage: string;
  readonly stageVersion: number;
  readonly needsEngine: boolean;
  /** `--from`: runs again even where it is fresh. */
  readonly forced: boolean;
  /** False for the jobs that `--only` leaves out; they are looked at, never run. */
  readonly selected: boolean;
}

export interface Plan {
  /** Names of all stages, in their order; some may have no job. */
  readonly stages: readonly string[];
  /** The engine that jobs with numerics compute with. */
  readonly engine: string;
  readonly selection: Selection;
  /** Every job behind the jobs it needs or wants, otherwise in the order of the stages. */
  readonly jobs: readonly PlannedJob[];
}

/**
 * Lists the jobs of all stages in an order in which they can run. Instant: no engine, no file is touched.
 * @throws Error where a stage planned nonsense (that is a bug); BlockForgeError `usage` for a `selection` that names
 * no planned stage.
 */
export function makePlan<Input>(
  stages: readonly Stage<Input>[],
  input: Input,
  engine: string,
  selection: Selection = {},
): Plan {
  const names = stages.map(({ name }) => name);
  const owners = new Map<JobId, Stage<Input>>();
  const jobs = new Map<JobId, JobPlan>();
  const folders = new Set<string>();
  for (const stage of stages) {
    for (const job of stage.plan(input)) {
      checkId(job.id, stage);
      checkFolder(job, folders, names);
      if (jobs.has(job.id)) throw new Error(`two jobs are called ${job.id}`);
      owners.set(job.id, stage);
      jobs.set(job.id, job);
    }
  }
  const planned = new Set([...owners.values()].map((stage) => stage.name));
  for (const option of ['from', 'only'] as const) {
    const name = selection[option];
    if (name === undefined || planned.has(name)) continue;
    fail({
      reason: 'usage',
      subject: `--${option} ${name}`,
      found: 'no job of this run belongs to that stage',
      expected: `one of: ${[...planned].join(', ')}`,
    });
  }

  const forced = new Set<JobId>();
  const sorted = sortJobs(jobs).map((job): PlannedJob => {
    const stage = known(owners, job.id);
    if (stage.name === selection.from || dependenciesOf(job).some((id) => forced.has(id))) forced.add(job.id);
    return {
      job,
      stage: stage.name,
      stageVersion: stage.version,
      needsEngine: stage.needsEngine ?? true,
      forced: forced.has(job.id),
      selected: (selection.only ?? stage.name) === stage.name && (selection.jobs?.has(job.id) ?? true),
    };
  });
  return { stages: names, engine, selection, jobs: sorted };
}

/** The jobs of a plan by their ids. */
export const jobsOf = oncePer(
  ({ jobs }: Plan): ReadonlyMap<JobId, PlannedJob> =>
    new Map(jobs.map((planned) => [planned.job.id, planned])),
);

export function dependenciesOf(job: JobPlan): readonly JobId[] {
  return [...job.needs, ...(job.wants ?? [])];
}

/** A job's id is its folder below the run folder: it must be a plain `stage/part` and not look like a temporary one. */
function checkId(id: JobId, stage: { readonly name: string }): void {
  const [name, part = '', ...rest] = id.split('/');
  const valid = name === stage.name && rest.length === 0 && /^\w[\w.-]*$/.test(part);
  const isReserved = /\.(tmp|attempt)-|\.fingerprint$/.test(part);
  if (!valid || isReserved) {
    throw new Error(`stage ${stage.name} planned the job id '${id}': expected ${stage.name}/<part>`);
  }
}

/** A folder of its own must not lie in or be another one's, nor be where a stage keeps its jobs. */
function checkFolder({ id, folder }: JobPlan, taken: Set<string>, stages: readonly string[]): void {
  if (folder === undefined) return;
  const valid = /^\w[\w.-]*$/.test(folder) && !folder.includes('.tmp-') && !stages.includes(folder);
  if (!valid || taken.has(folder)) throw new Error(`${id} cannot be published in '${folder}'`);
  taken.add(folder);
}

/** Depth first in the given order, so that a stable order comes out and a cycle is met as its path. */
function sortJobs(jobs: ReadonlyMap<JobId, JobPlan>): JobPlan[] {
  const sorted = new Set<JobPlan>();
  const path: JobId[] = [];
  const visit = (job: JobPlan): void => {
    if (sorted.has(job)) return;
    if (path.includes(job.id)) {
      throw new Error(`jobs need each other: ${[...path.slice(path.indexOf(job.id)), job.id].join(' -> ')}`);
    }
    path.push(job.id);
    for (const id of dependenciesOf(job)) {
      visit(jobs.get(id) ?? unknownNeed(job.id, id));
    }
    path.pop();
    sorted.add(job);
  };
  for (const job of jobs.values()) visit(job);
  return [...sorted];
}

function unknownNeed(job: JobId, id: JobId): never {
  throw new Error(`${job} needs ${id}, which no stage planned`);
}
