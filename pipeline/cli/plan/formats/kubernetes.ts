import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { fail } from '../../../util/failure.ts';
import type { Volume } from '../arguments.ts';
import type { ScriptFile, ScriptGroup, ScriptPlan } from './script-plan.ts';
import { quote } from './shell.ts';

/** An Indexed Job for every group, and a script that applies them one after the other. */
export function writeKubernetes(plan: ScriptPlan): readonly ScriptFile[] {
  requireMounted(plan);
  const jobs = plan.groups.map((group) =>
    stringify(jobOf(plan, group), { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  const note =
    `# The run ${plan.run}, a Job for each group of jobs that can run side by side. They do not wait for each other: run.sh applies\n` +
    '# them in order. Written by "blockforge plan --format kubernetes"; docs/kubernetes.md\n';
  return [
    { name: 'jobs.yaml', text: note + jobs.join('---\n'), isProgram: false },
    { name: 'run.sh', text: runScript(plan), isProgram: true },
  ];
}

function jobOf(plan: ScriptPlan, group: ScriptGroup): unknown {
  const { run, source, planId, options, cwd } = plan;
  const name = nameOf(run, group);
  const labels = labelsOf(run, group, name);
  const isMounted = options.volumes.some(({ path }) => isInside(cwd, path));
  const resources = { cpu: String(group.cpus), memory: `${group.memoryMiB}Mi` };
  const gpus = group.gpus > 0 ? { 'nvidia.com/gpu': group.gpus } : {};
  const claims = [...new Set(options.volumes.map(({ claim }) => claim))];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels },
    spec: {
      completionMode: 'Indexed',
      completions: group.jobs.length,
      parallelism: Math.min(group.jobs.length, options.atOnce ?? group.jobs.length),
      // Of pods that were killed: out of memory, a crashed driver. Each goes on from its checkpoint.
      backoffLimitPerIndex: 6,
      podFailurePolicy: {
        rules: [
          // A drained or lost node, or preemption: another pod goes on.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          // 75: stopped with work left.
          { action: 'Ignore', onExitCodes: { containerName: 'job', operator: 'In', values: [75] } },
          // A bug, the config, files, a failed job or one whose inputs are not there: another try would not mend it.
          {
            action: 'FailIndex',
            onExitCodes: { containerName: 'job', operator: 'In', values: [1, 2, 3, 5] },
          },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 120,
          automountServiceAccountToken: false,
          securityContext: {
            ...{ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000 },
            ...{ fsGroup: 1000, fsGroupChangePolicy: 'OnRootMismatch' },
          },
          ...(group.exclusive && { affinity: alone(run) }),
          containers: [
            {
              name: 'job',
              image: options.image,
              args: [
                ...['run-job', '--group', group.name, '--index', '$(JOB_COMPLETION_INDEX)'],
                ...['--plan-id', planId, ...source.map((word) => word.replaceAll('$(', () => '$$('))],
              ],
              ...(isMounted && { workingDir: cwd }),
              ...(options.env.length > 0 && { env: options.env }),
              resources: { requests: resources, limits: { memory: resources.memory, ...gpus } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: options.volumes.map((volume) => mountOf(volume, claims.indexOf(volume.claim))),
            },
          ],
          volumes: claims.map((claim, number) => ({
            name: `volume-${number}`,
            persistentVolumeClaim: { claimName: claim },
          })),
        },
      },
    },
  };
}

function mountOf({ folder, path, readOnly }: Volume, number: number): unknown {
  return {
    name: `volume-${number}`,
    mountPath: path,
    ...(folder !== undefined && { subPath: folder }),
    ...(readOnly && { readOnly }),
  };
}

/** Timings: no other pod of this run on the same node, neither before nor after this one has come there. */
function alone(run: string): unknown {
  const term = {
    labelSelector: { matchLabels: { 'blockforge/run': labelValue(run) } },
    topologyKey: 'kubernetes.io/hostname',
  };
  return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
}

function labelsOf(run: string, group: ScriptGroup, job: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'blockforge',
    'blockforge/run': labelValue(run),
    'blockforge/group': labelValue(group.name),
    'blockforge/job': job,
  };
}

/** Longest name of an Indexed Job whose pods' host names, with a number behind it, are at most 63 letters. */
const longestName = 52;

/** A label of RFC 1123; a name that had to be changed gets some of its hash, so that no two become one. */
export function nameOf(run: string, group: ScriptGroup): string {
  const wanted = `${run}-${group.name.replace(/\.(?=\d+$)/, '-')}`;
  const plain = wanted
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  if (plain === wanted && plain.length <= longestName) return plain;
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 8);
  return `${plain.slice(0, longestName - 9).replace(/-+$/, '')}-${hash}`.replace(/^-/, 'run-');
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
function labelValue(text: string): string {
  return text
    .replace(/[^\w.-]/g, '-')
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

function requireMounted({ source, runFolder, options: { volumes } }: ScriptPlan): void {
  const config = source[1] ?? '';
  const places = [runFolder, ...(config.startsWith('/') ? [config] : [])];
  const outside = places.find((place) => !volumes.some(({ path }) => isInside(place, path)));
  if (outside === undefined) return;
  fail({
    reason: 'usage',
    subject: outside,
    found: 'in none of the volumes that the pods are to have',
    expected: 'the config and the run folder at the places that pods see, each in a volume',
    next: '--volume CLAIM[/FOLDER]:/PATH, and --runs and --config below such paths (docs/kubernetes.md)',
  });
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Groups that wait for nothing that has not ended go together. */
function waves({ groups }: ScriptPlan): readonly (readonly ScriptGroup[])[] {
  const numbers = new Map<string, number>();
  const all: ScriptGroup[][] = [];
  for (const group of groups) {
    const number = Math.max(-1, ...group.waits.map((wait) => numbers.get(wait.group) ?? -1)) + 1;
    numbers.set(group.name, number);
    (all[number] ??= []).push(group);
  }
  return all;
}

function runScript(plan: ScriptPlan): string {
  const lines = waves(plan).map(
    (wave) => `wave ${wave.map((group) => quote(nameOf(plan.run, group))).join(' ')}`,
  );
  return `#!/usr/bin/env bash
# Applies the Jobs of jobs.yaml in order and waits for each. A Job that failed does not stop what can do without it: whose inputs are
# not there fails at once. Given again it goes on with what is left. Written by "blockforge plan --format kubernetes"; docs/kubernetes.md
set -euo pipefail
here="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
failed=()

# What has come to an end of a Job: Complete or Failed.
state() {
  kubectl get job "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' | tr ' ' '\\n' |
    grep -xE 'Complete|Failed' || true
}

wave() {
  local job ended
  for job in "$@"; do
    # What a Job has done is in the run folder, where a new one finds it.
    kubectl delete job "$job" --ignore-not-found --cascade=foreground --wait
    kubectl create -f "$here/jobs.yaml" -l "blockforge/job=$job"
  done
  for job in "$@"; do
    ended=$(state "$job")
    while [ -z "$ended" ]; do
      sleep "\${POLL_SECONDS:-10}"
      ended=$(state "$job")
    done
    echo "$job: $ended"
    [ "$ended" = Complete ] || failed+=("$job")
  done
}

${lines.join('\n')}

[ "\${#failed[@]}" -eq 0 ] || { echo "failed: \${failed[*]}; kubectl logs job/NAME says why" >&2; exit 5; }
`;
}
