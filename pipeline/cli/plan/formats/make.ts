import { join } from 'node:path';
import type { JobId } from '../../../runner/contract.ts';
import { dependenciesOf, type PlannedJob } from '../../../runner/plan.ts';
import type { ScriptFile, ScriptPlan } from './script-plan.ts';
import { quote, quoteAll } from './shell.ts';

/**
 * A Makefile with a target for every job. A job that fails does not fail its target, so that what only wants it goes on and
 * what needs it says so; the last target tells whether everything is there.
 */
export function writeMake(plan: ScriptPlan): readonly ScriptFile[] {
  const { run, runFolder, cwd, node, program, source, groups } = plan;
  const jobs = groups.flatMap((group) => group.jobs);
  const command = `cd ${quote(cwd)} && exec $(1) ${quote(node)} ${quoteAll(program)}`;
  const text = `# The run ${run}: ${jobs.length} jobs. "make -j 4" does them, four at a time, and goes on with what is left when it is given
# again; "make distill/shard-0" does one and all before it. A job that fails is told with "Error 5 (ignored)": what can go on
# without it does, and the last step fails with what is not there.
# Written by "blockforge plan --format make"; docs/make.md
all: check

define blockforge
${escape(command)}
endef
define source
${escape(quoteAll(source))}
endef
# Timings are taken with nothing beside them, where there is flock: util-linux.
flock := $(shell command -v flock)
lock := ${escape(quote(join(runFolder, '.locks', 'make')))}
beside := $(if $(flock),flock --no-fork --shared $(lock))
alone := $(if $(flock),flock --no-fork --exclusive $(lock))

.PHONY: all check folders ${jobs.map(({ job }) => job.id).join(' ')}
check: ${jobs.map(({ job }) => job.id).join(' ')}
\t@$(call blockforge,) plan --check $(source)
folders:
\t@mkdir -p ${escape(quote(join(runFolder, '.locks')))}

${jobs.map((planned) => rule(planned, waitsOf(planned, jobs))).join('\n')}
`;
  return [{ name: 'Makefile', text, isProgram: false }];
}

function rule({ job }: PlannedJob, before: readonly JobId[]): string {
  const lock = job.exclusive === true ? '$(alone)' : '$(beside)';
  return `${job.id}: ${['folders', ...before].join(' ')}\n\t-@$(call blockforge,${lock}) run-job $@ $(source)`;
}

/**
 * One that must be alone waits for all that does not wait for such a one itself: a slot that waits for the lock is idle.
 */
function waitsOf({ job }: PlannedJob, jobs: readonly PlannedJob[]): readonly JobId[] {
  if (job.exclusive !== true) return dependenciesOf(job);
  const behind = new Set<JobId>();
  for (const other of jobs) {
    const waits = dependenciesOf(other.job).some((id) => behind.has(id));
    if (waits || other.job.exclusive === true) behind.add(other.job.id);
  }
  const free = jobs.flatMap((other) => (behind.has(other.job.id) ? [] : [other.job.id]));
  return [...new Set([...dependenciesOf(job), ...free])];
}

/** What make is not to read as a variable. */
function escape(text: string): string {
  return text
    .replaceAll('$(1)', '\u0000')
    .replaceAll('$', () => '$$')
    .replaceAll('\u0000', () => '$(1)');
}
