import type { Note } from '../contained.ts';
import type { RunEnd, RunFacts } from '../listener.ts';
import { MlflowError, type MlflowClient } from './client.ts';
import { setTags } from './open-run.ts';

const statuses = { done: 'FINISHED', failed: 'FAILED', interrupted: 'KILLED' } as const;

/**
 * Tells how the run ended, and where its results lie: files stay where they are, the server gets their paths as tags.
 * @returns false where it may be told yet
 */
export async function endRun(
  client: MlflowClient,
  runId: string,
  facts: Pick<RunFacts, 'results'>,
  { outcome, exitCode }: RunEnd,
  complain: Note,
): Promise<boolean> {
  const results = Object.entries(facts.results());
  const tags = {
    'blockforge.outcome': outcome,
    'blockforge.exitCode': String(exitCode),
    ...Object.fromEntries(results.map(([name, path]) => [`blockforge.result.${name}`, path])),
  };
  const status = statuses[outcome];
  try {
    await setTags(client, runId, tags);
    await client('POST', 'runs/update', { run_id: runId, status, end_time: Date.now() });
    return true;
  } catch (error) {
    if (!(error instanceof MlflowError)) throw error;
    complain(`monitor.mlflow: ${error.message}`);
    return !error.passing;
  }
}
