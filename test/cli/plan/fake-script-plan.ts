import { groupJobs, groupsId } from '../../../pipeline/runner/groups.ts';
import { makePlan } from '../../../pipeline/runner/plan.ts';
import type { ScriptPlan } from '../../../pipeline/cli/plan/formats/script-plan.ts';
import type { ScriptOptions } from '../../../pipeline/cli/plan/arguments.ts';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { stages } from '../../runner/fake-stages.ts';

export const plainOptions: ScriptOptions = {
  options: [],
  arrayLimit: 1000,
  image: 'blockforge:cpu',
  volumes: [{ claim: 'shared', path: '/shared', readOnly: false }],
  env: [],
};

/** A plan of fake jobs as the writers get it; `parts` what a test is about. */
export function fakeScriptPlan(
  jobs: readonly JobPlan[],
  { options, ...parts }: Partial<Omit<ScriptPlan, 'options'>> & { options?: Partial<ScriptOptions> } = {},
): ScriptPlan {
  const groups = groupJobs(makePlan(stages, { jobs }, 'wasm'));
  return {
    run: 'fake',
    runFolder: '/shared/runs/fake',
    cwd: '/shared',
    node: process.execPath,
    program: ['/app/main.ts'],
    source: ['--config', '/shared/fake.yaml', '--engine', 'wasm', '--runs', '/shared/runs'],
    planId: groupsId(groups),
    groups: groups.map((group) => ({
      ...group,
      ...{ memoryMiB: 1024, minutes: 15, cpus: 1, gpus: 0 },
      exclusive: group.jobs.some(({ job }) => job.exclusive === true),
    })),
    options: { ...plainOptions, ...options },
    ...parts,
  };
}
