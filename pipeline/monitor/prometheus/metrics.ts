/**
 * What a run tells Prometheus: names by its conventions (base units, `_total` for what only grows), each with the label `run`.
 * Labels are bounded: stages, states and running jobs are those of one plan.
 */
export const metrics = {
  info: ['blockforge_run_info', 'What runs where: always 1', ['engine', 'version', 'host', 'folder']],
  state: ['blockforge_run_state', '1 for the state that the run is in', ['state']],
  started: ['blockforge_run_start_timestamp_seconds', 'When this run was started or resumed', []],
  heartbeat: ['blockforge_heartbeat_timestamp_seconds', 'When the run last showed that it is alive', []],
  success: ['blockforge_last_success_timestamp_seconds', 'When the run last ended with all of it done', []],
  exitCode: ['blockforge_run_exit_code', 'Exit code of the command, once it has ended', []],
  secondsLeft: ['blockforge_run_remaining_seconds', 'Estimate of the time that is left', []],
  jobs: ['blockforge_jobs', 'Jobs of this run by state', ['state']],
  stageJobs: [
    'blockforge_stage_jobs',
    'Jobs of a stage by state, of those that anything is known of',
    ['stage', 'state'],
  ],
  stageSeconds: [
    'blockforge_stage_seconds',
    'Time of the jobs of a stage that have finished in this run',
    ['stage'],
  ],
  retries: ['blockforge_job_retries_total', 'Jobs tried again after what may pass', ['stage']],
  warnings: ['blockforge_job_warnings_total', 'Warnings of jobs', ['stage']],
  progress: ['blockforge_job_progress_ratio', 'Done share of a running job', ['job']],
  jobSecondsLeft: ['blockforge_job_remaining_seconds', 'Estimate of the time left of a running job', ['job']],
  rss: ['blockforge_job_resident_memory_bytes', 'Memory of the process of a running job', ['job']],
  tensors: ['blockforge_job_tensors', 'Tensors alive in the process of a running job', ['job']],
  metric: ['blockforge_job_metric', 'What a running job last reported: losses, rates', ['job', 'metric']],
} as const satisfies Record<string, readonly [name: string, help: string, labels: readonly string[]]>;

export type MetricKey = keyof typeof metrics;

/** Those that only grow while a process runs; the others are gauges. */
export const counters: readonly MetricKey[] = ['retries', 'warnings'];

export const runStates = ['running', 'done', 'failed', 'interrupted'] as const;
export const jobStates = [
  'waiting',
  'running',
  'finished',
  'fresh',
  'failed',
  'blocked',
  'interrupted',
] as const;
export type JobStateLabel = (typeof jobStates)[number];
