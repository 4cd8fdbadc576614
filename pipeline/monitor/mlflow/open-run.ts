import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { readJson, writeJsonAtomic } from '../../util/atomic.ts';
import { hashJson } from '../../util/hash.ts';
import type { RunFacts } from '../listener.ts';
import { MlflowError, type MlflowClient, type Pair } from './client.ts';
import type { Connection } from './connection.ts';
import { batchesOf, limits, paramsOf, tagsOf } from './names.ts';

/** Which run of a server's a run folder's is: what goes on here goes on there. */
interface Remembered {
  readonly url: string;
  readonly experiment: string;
  readonly runId: string;
  /** Parameters are never changed there: with other settings it is another run. */
  readonly params: string;
}

export interface OpenRun {
  readonly client: MlflowClient;
  readonly connection: Connection;
  readonly facts: RunFacts;
  /** `.status/mlflow.json` in the run folder. */
  readonly memory: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
}

/**
 * The server's run for this run folder: the one it was before, running again, or a new one with all parameters and tags. May be
 * called again after it failed: what it did is found.
 * @throws MlflowError
 * @returns its id
 */
export async function openRun(opening: OpenRun): Promise<string> {
  const { client, connection, facts, memory, startTime } = opening;
  const params = paramsOf(facts.config);
  const key = { url: connection.url, experiment: connection.experiment, params: hashJson(asJson(params)) };
  const before = await known(opening, key);
  const runId = before ?? (await createRun(client, connection.experiment, facts, startTime));
  // Where that cannot be kept, a later start is a run of its own there.
  if (before === undefined) await writeJsonAtomic(memory, { ...key, runId }).catch(() => undefined);
  else await client('POST', 'runs/update', { run_id: runId, status: 'RUNNING' });
  for (const batch of batchesOf(params, limits.pairsPerBatch)) {
    await client('POST', 'runs/log-batch', { run_id: runId, params: batch });
  }
  const { engine, folder, version } = facts;
  await setTags(client, runId, {
    'blockforge.version': version,
    'blockforge.engine': engine,
    'blockforge.host': hostname(),
    'blockforge.folder': folder,
    'mlflow.user': userName(),
    'mlflow.source.name': 'blockforge',
    'mlflow.source.type': 'JOB',
  });
  return runId;
}

export async function setTags(
  client: MlflowClient,
  runId: string,
  tags: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const batch of batchesOf(tagsOf(tags), limits.pairsPerBatch)) {
    await client('POST', 'runs/log-batch', { run_id: runId, tags: batch });
  }
}

async function known(
  { client, memory }: OpenRun,
  key: Omit<Remembered, 'runId'>,
): Promise<string | undefined> {
  const remembered = existsSync(memory)
    ? await readJson<Partial<Remembered>>(memory).catch(() => undefined)
    : undefined;
  if (typeof remembered?.runId !== 'string') return undefined;
  if (remembered.url !== key.url || remembered.experiment !== key.experiment) return undefined;
  if (remembered.params !== key.params) return undefined;
  try {
    const { run } = await client('GET', 'runs/get', { run_id: remembered.runId });
    const { info } = run as { info?: { lifecycle_stage?: string } };
    return info?.lifecycle_stage === 'deleted' ? undefined : remembered.runId;
  } catch (error) {
    if (error instanceof MlflowError && !error.passing) return undefined;
    throw error;
  }
}

async function createRun(
  client: MlflowClient,
  experiment: string,
  { name }: RunFacts,
  startTime: number,
): Promise<string> {
  const experiment_id = await experimentId(client, experiment);
  const fields = { experiment_id, run_name: name, start_time: startTime, tags: [] };
  const { run } = await client('POST', 'runs/create', fields);
  const { info } = (run ?? {}) as { info?: { run_id?: string } };
  if (typeof info?.run_id !== 'string') throw unreadable('runs/create');
  return info.run_id;
}

async function experimentId(client: MlflowClient, name: string): Promise<string> {
  const find = async () => {
    const { experiment } = await client('GET', 'experiments/get-by-name', { experiment_name: name });
    return experiment as { experiment_id?: string; lifecycle_stage?: string } | undefined;
  };
  const isCode = (error: unknown, code: string) => error instanceof MlflowError && error.code === code;
  let found;
  try {
    found = await find();
  } catch (error) {
    if (!isCode(error, 'RESOURCE_DOES_NOT_EXIST')) throw error;
    try {
      const { experiment_id } = await client('POST', 'experiments/create', { name });
      if (typeof experiment_id === 'string') return experiment_id;
    } catch (second) {
      // Another run made it in between.
      if (!isCode(second, 'RESOURCE_ALREADY_EXISTS')) throw second;
    }
    found = await find();
  }
  if (found?.lifecycle_stage === 'deleted') {
    const message = `the experiment "${name}" is deleted there; restore it, or set monitor.mlflow.experiment`;
    throw new MlflowError(message, { passing: false });
  }
  if (typeof found?.experiment_id !== 'string') throw unreadable('experiments/get-by-name');
  return found.experiment_id;
}

function unreadable(path: string): MlflowError {
  return new MlflowError(`the answer to ${path} is not MLflow's`, { passing: false });
}

function asJson(params: readonly Pair[]): string[] {
  return params.flatMap(({ key, value }) => [key, value]);
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
