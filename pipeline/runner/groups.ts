import { createHash } from 'node:crypto';
import type { JobId } from './contract.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';

/** How the jobs of a group wait for those of another one. */
export type GroupWait =
  /** Each of them needs all of the others. */
  | 'all'
  /** As many as the others, and each reads at most the one at its own place, which it needs. */
  | 'each'
  /** Anything else. Some may do without some: when all of the others have ended, well or not, each looks at what is there. */
  | 'ended';

/** Jobs of one stage that can be done side by side. */
export interface JobGroup {
  /** `distill.0`: the stage, and how many groups of it come before. */
  readonly name: string;
  readonly stage: string;
  /** In the order of the plan; a job's place here is its index. */
  readonly jobs: readonly PlannedJob[];
  readonly waits: readonly { readonly group: string; readonly wait: GroupWait }[];
}

/**
 * Cuts a plan into groups of jobs that can run side by side, each group behind those it waits for. It depends on the plan
 * alone, not on what was done of it, so a group's name and an index name the same job as long as the config is the same.
 */
export function groupJobs({ stages, jobs }: Pick<Plan, 'stages' | 'jobs'>): readonly JobGroup[] {
  const places = new Map(stages.map((name, place) => [name, place]));
  const placeOf = ({ stage }: PlannedJob): number => places.get(stage) ?? 0;
  const byId = new Map(jobs.map((planned) => [planned.job.id, planned]));

  // Along every dependency the pair (level, place of the stage) grows: no job depends on one of its group, and no two groups
  // on each other, whatever the stages do.
  const levels = new Map<JobId, number>();
  const cells = new Map<string, PlannedJob[]>();
  for (const planned of jobs) {
    const own = placeOf(planned);
    let level = 0;
    for (const id of dependenciesOf(planned.job)) {
      const other = byId.get(id);
      if (other === undefined) continue;
      level = Math.max(level, (levels.get(id) ?? 0) + (placeOf(other) < own ? 0 : 1));
    }
    levels.set(planned.job.id, level);
    const cell = `${level} ${own}`;
    cells.set(cell, [...(cells.get(cell) ?? []), planned]);
  }
  const order = (cell: string): readonly number[] => cell.split(' ').map(Number);
  const sorted = [...cells].sort(([a], [b]) => {
    const [[levelA = 0, placeA = 0], [levelB = 0, placeB = 0]] = [order(a), order(b)];
    return levelA - levelB || placeA - placeB;
  });

  const counts = new Map<string, number>();
  const groups: JobGroup[] = [];
  for (const [, members] of sorted) {
    const { stage } = members[0]!;
    const count = counts.get(stage) ?? 0;
    counts.set(stage, count + 1);
    const waits = groups.flatMap((other) => {
      const wait = waitFor(members, other.jobs);
      return wait === undefined ? [] : [{ group: other.name, wait }];
    });
    groups.push({ name: `${stage}.${count}`, stage, jobs: members, waits });
  }
  return groups;
}

/** Eight hexadecimal digits for the groups and their jobs: what was written from one plan is not run on another. */
export function groupsId(groups: readonly JobGroup[]): string {
  const text = JSON.stringify(groups.map(({ name, jobs }) => [name, jobs.map(({ job }) => job.id)]));
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function waitFor(jobs: readonly PlannedJob[], others: readonly PlannedJob[]): GroupWait | undefined {
  const ids = new Set(others.map(({ job }) => job.id));
  const needs = jobs.map(({ job }) => job.needs.filter((id) => ids.has(id)));
  const wants = jobs.flatMap(({ job }) => (job.wants ?? []).filter((id) => ids.has(id)));
  if (wants.length === 0) {
    if (needs.every((list) => list.length === 0)) return undefined;
    if (needs.every((list) => list.length === ids.size)) return 'all';
    const apart = (list: readonly JobId[], index: number): boolean =>
      list.every((id) => id === others[index]?.job.id);
    if (jobs.length === others.length && needs.every(apart)) return 'each';
  }
  return 'ended';
}
