import type { RunSummary } from './summary.ts';

/** What a hook's shell finds as variables: names of the run are never part of the command itself, so they need no quoting. */
export function hookEnvironment(summary: RunSummary): Record<string, string> {
  const { run, folder, outcome, exitCode, seconds, jobs, results } = summary;
  const values: Record<string, string | number> = {
    RUN: run,
    FOLDER: folder,
    OUTCOME: outcome,
    EXIT_CODE: exitCode,
    SECONDS: Math.round(seconds),
    FINISHED: jobs.finished,
    FRESH: jobs.fresh,
    FAILED: jobs.failed,
    BLOCKED: jobs.blocked,
    // Set, if empty: hooks may run with `set -u`.
    LIBRARY: '',
    REPORT: '',
    PAGE: '',
    ...Object.fromEntries(
      Object.entries(results).map(([name, path]) => [name.toUpperCase().replace(/[^A-Z0-9]/g, '_'), path]),
    ),
  };
  return Object.fromEntries(
    // A null byte can be in no variable.
    Object.entries(values).map(([name, value]) => [`BLOCKFORGE_${name}`, String(value).replaceAll('\0', '')]),
  );
}
