import { join } from 'node:path';
import type { GroupWait } from '../../../runner/groups.ts';
import type { ScriptFile, ScriptGroup, ScriptPlan } from './script-plan.ts';
import { quote, quoteAll } from './shell.ts';

/** What of an array comes before what waits for it: https://slurm.schedmd.com/sbatch.html#OPT_dependency */
const dependencyTypes: Readonly<Record<GroupWait, string>> = {
  all: 'afterok',
  each: 'aftercorr',
  ended: 'afterany',
};

/** One script that submits an array for every group, behind those it waits for. */
export function writeSlurm(plan: ScriptPlan): readonly ScriptFile[] {
  return [{ name: 'submit.sh', isProgram: true, text: `${head(plan)}\n${submissions(plan)}` }];
}

function head({ run, runFolder, cwd, node, program, source, planId, groups, options }: ScriptPlan): string {
  const jobs = groups.reduce((sum, group) => sum + group.jobs.length, 0);
  return `#!/usr/bin/env bash
# The run ${run}: ${jobs} jobs in ${groups.length} groups. A group is an array of jobs that can run side by side and waits for
# the groups that it reads from. Give the same command again to go on with what is left: what is done already takes a moment.
# Written by "blockforge plan --format slurm"; docs/slurm.md
set -euo pipefail

logs=${quote(join(runFolder, '.logs', 'slurm'))}
mkdir -p "$logs"
options=(${quoteAll(options.options)})

# The script of a group's tasks; $1 is the group, $2 what is added to a task's number: an array can only be so long.
task() {
  printf '#!/usr/bin/env bash\\ngroup=%q first=%q\\n' "$1" "$2"
  cat <<'TASK'
cd ${quote(cwd)} || exit 3
${quote(node)} ${quoteAll(program)} run-job \\
  --group "$group" --index "$((first + SLURM_ARRAY_TASK_ID))" --plan-id ${planId} \\
  ${quoteAll(source)} &
job=$!
again=
# USR1 comes before the time limit, to this shell alone: the job saves its state, and this task queues itself again. TERM comes from
# scancel, which means what it says, or from preemption, after which Slurm itself queues it again. Slurm sends it to all processes:
# handed on, it would be the job's second signal, which kills.
trap 'woken=yes; again=yes; kill -USR1 "$job"' USR1
trap 'woken=yes; again=' TERM
# A signal ends the waiting, not the job.
while :; do
  woken=
  wait "$job"
  code=$?
  if [ -z "$woken" ] || [ "$code" -le 128 ]; then break; fi
done
if [ "$code" -eq 75 ] && [ -n "$again" ]; then scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi
exit "$code"
TASK
}

submit() { # group, first, jobs, further options
  local name="$1"
  [ "$2" -eq 0 ] || name="$1+$2"
  local id
  id=$(task "$1" "$2" | sbatch --parsable --requeue --kill-on-invalid-dep=yes --signal=B:USR1@120 \\
    --open-mode=append --output="\${logs//\\%/%%}/$name.%a.log" --job-name=${quote(run)}:"$name" \\
    --array="0-$(($3 - 1))${options.atOnce === undefined ? '' : `%${options.atOnce}`}" \\
    "\${@:4}" \${options[@]+"\${options[@]}"}) || return
  echo "\${id%%;*}"
}
`;
}

function submissions({ groups, options: { arrayLimit } }: ScriptPlan): string {
  /** Variables that hold the ids of a group's arrays. */
  const ids = new Map<string, readonly string[]>();
  const lines = groups.flatMap((group, number) => {
    const chunks = Math.ceil(group.jobs.length / arrayLimit);
    const own = Array.from({ length: chunks }, (_, chunk) => `g${number}${chunks > 1 ? `_${chunk}` : ''}`);
    ids.set(group.name, own);
    return own.map((variable, chunk) => {
      const first = chunk * arrayLimit;
      const count = Math.min(arrayLimit, group.jobs.length - first);
      const asks = [...resources(group), ...dependency(group, chunk, ids)];
      return `${variable}=$(submit ${quote(group.name)} ${first} ${count} ${asks.join(' ')})`;
    });
  });
  const all = [...ids.values()].flat();
  return `${lines.join('\n')}
echo "submitted: ${all.map((variable) => `$${variable}`).join(' ')}"
`;
}

function resources({ memoryMiB, minutes, cpus, gpus, exclusive }: ScriptGroup): string[] {
  return [
    `--mem=${memoryMiB}M`,
    `--time=${minutes}`,
    `--cpus-per-task=${cpus}`,
    ...(gpus > 0 ? [`--gres=gpu:${gpus}`] : []),
    ...(exclusive ? ['--exclusive'] : []),
  ];
}

function dependency(
  { waits }: ScriptGroup,
  chunk: number,
  ids: ReadonlyMap<string, readonly string[]>,
): string[] {
  const parts = waits.map(({ group, wait }) => {
    const all = ids.get(group) ?? [];
    // Groups of one size are cut at the same places.
    const own = wait === 'each' ? all.slice(chunk, chunk + 1) : all;
    return `${dependencyTypes[wait]}:${own.map((variable) => `$${variable}`).join(':')}`;
  });
  return parts.length === 0 ? [] : [`--dependency="${parts.join(',')}"`];
}
