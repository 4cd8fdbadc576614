import { nearest } from '../../config/nearest.ts';
import type { JobId } from '../../runner/contract.ts';
import { groupJobs, groupsId } from '../../runner/groups.ts';
import type { Plan } from '../../runner/plan.ts';
import { fail } from '../../util/failure.ts';
import type { JobChoice } from './arguments.ts';

/** The job of a plan that is meant. @throws BlockForgeError `usage` with what there is instead */
export function chooseJob(plan: Plan, choice: JobChoice): JobId {
  if ('id' in choice) {
    const ids = plan.jobs.map(({ job }) => job.id);
    if (ids.includes(choice.id)) return choice.id;
    const near = nearest(choice.id, ids);
    return fail({
      reason: 'usage',
      subject: choice.id,
      found: 'no such job in this run',
      expected: 'one of those that "plan" lists',
      next: near === undefined ? undefined : `did you mean "${near}"?`,
    });
  }
  const groups = groupJobs(plan);
  const { group: name, index, planId } = choice;
  const id = groupsId(groups);
  if (planId !== undefined && planId !== id) {
    fail({
      reason: 'usage',
      subject: `--plan-id ${planId}`,
      found: `the jobs of this config are others now (${id}): an index would mean another job`,
      next: 'write the scripts again with "plan --format", or take the config back to what it was',
    });
  }
  const group = groups.find((candidate) => candidate.name === name);
  if (group === undefined) {
    return fail({
      reason: 'usage',
      subject: `--group ${name}`,
      found: 'no such group in this run',
      expected: `one of: ${groups.map((candidate) => candidate.name).join(', ')}`,
    });
  }
  const planned = group.jobs[index];
  if (planned !== undefined) return planned.job.id;
  return fail({
    reason: 'usage',
    subject: `--index ${index}`,
    found: `${name} has ${group.jobs.length} job${group.jobs.length === 1 ? '' : 's'}`,
    expected: `0 to ${group.jobs.length - 1}`,
  });
}
