import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** Names as MLflow's server takes them (mlflow/utils/validation.py): no empty part, none that leads upwards. */
const key = z
  .string()
  .min(1)
  .max(250)
  .regex(/^[/\w.\- ]*$/)
  .refine((text) => text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'));
const tag = z.strictObject({ key, value: z.string().max(5000) });
const runId = z.string().regex(/^[a-zA-Z0-9][\w-]{0,255}$/);
const long = z.int().min(0);

/** What the REST API's documentation says of each call. */
const calls: Readonly<Record<string, z.ZodType | undefined>> = {
  'GET experiments/get-by-name': z.strictObject({ experiment_name: z.string().min(1).max(500) }),
  'POST experiments/create': z.strictObject({ name: z.string().min(1).max(500) }),
  'GET runs/get': z.strictObject({ run_id: runId }),
  'POST runs/create': z.strictObject({
    experiment_id: z.string(),
    run_name: z.string(),
    start_time: long,
    tags: z.array(tag).max(100),
  }),
  'POST runs/update': z.strictObject({
    run_id: runId,
    status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
    end_time: long.optional(),
  }),
  'POST runs/log-batch': z.strictObject({
    run_id: runId,
    metrics: z
      .array(z.strictObject({ key, value: z.number(), timestamp: long, step: long }))
      .max(1000)
      .optional(),
    params: z
      .array(z.strictObject({ key, value: z.string().max(6000) }))
      .max(100)
      .optional(),
    tags: z.array(tag).max(100).optional(),
  }),
};

interface Metric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
}
export interface TrackedRun {
  status: string;
  readonly name: string;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly metrics: Metric[];
}

export interface FakeServer {
  readonly url: string;
  readonly experiments: Map<string, string>;
  readonly runs: Map<string, TrackedRun>;
  readonly authorizations: Set<string | undefined>;
  /** What of a request was not as documented. */
  readonly complaints: string[];
  requests: number;
  /** Answers instead of the server, while it is set. */
  fault?: { readonly status: number; readonly body: string } | undefined;
  close(): Promise<void>;
}

/** An MLflow server as far as runs are tracked on one, in memory, on the loopback interface. */
export async function fakeMlflow(): Promise<FakeServer> {
  const state = {
    url: '',
    experiments: new Map<string, string>(),
    runs: new Map<string, TrackedRun>(),
    authorizations: new Set<string | undefined>(),
    complaints: [] as string[],
    requests: 0,
    fault: undefined as FakeServer['fault'],
  };
  const server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      state.requests++;
      state.authorizations.add(request.headers.authorization);
      const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
      const refuse = (status: number, error_code: string, message: string) =>
        answer(status, { error_code, message });
      if (state.fault !== undefined) return response.writeHead(state.fault.status).end(state.fault.body);
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      const name = `${request.method} ${pathname.replace('/api/2.0/mlflow/', '')}`;
      const given: unknown = request.method === 'GET' ? Object.fromEntries(searchParams) : JSON.parse(text);
      const read = calls[name]?.safeParse(given);
      const isTyped = request.method === 'GET' || request.headers['content-type'] === 'application/json';
      if (!read?.success || !isTyped || text.length > 1e6) {
        state.complaints.push(`${name}: ${read?.error?.message ?? 'no such call, type or size'}`);
        return refuse(400, 'INVALID_PARAMETER_VALUE', 'not as documented');
      }
      return perform(name, read.data as Record<string, never>, answer, refuse);
    });
  });

  function perform(
    name: string,
    fields: Record<string, never>,
    answer: (status: number, body: unknown) => unknown,
    refuse: (status: number, code: string, message: string) => unknown,
  ): unknown {
    const { experiment_name, name: newName, run_id } = fields as Record<string, string>;
    if (name === 'GET experiments/get-by-name') {
      const experiment_id = state.experiments.get(experiment_name ?? '');
      if (experiment_id === undefined) return refuse(404, 'RESOURCE_DOES_NOT_EXIST', 'no such experiment');
      return answer(200, { experiment: { experiment_id, lifecycle_stage: 'active' } });
    }
    if (name === 'POST experiments/create') {
      const experiment_id = String(state.experiments.size + 1);
      state.experiments.set(newName ?? '', experiment_id);
      return answer(200, { experiment_id });
    }
    if (name === 'POST runs/create') {
      const id = `run${state.runs.size}`;
      const { run_name: called } = fields as Record<string, string>;
      state.runs.set(id, {
        status: 'RUNNING',
        name: called ?? '',
        params: new Map(),
        tags: new Map(),
        metrics: [],
      });
      return answer(200, { run: { info: { run_id: id, lifecycle_stage: 'active' } } });
    }
    const run = state.runs.get(run_id ?? '');
    if (run === undefined) return refuse(404, 'RESOURCE_DOES_NOT_EXIST', 'no such run');
    if (name === 'GET runs/get') return answer(200, { run: { info: { run_id, lifecycle_stage: 'active' } } });
    if (name === 'POST runs/update') {
      run.status = (fields as Record<string, string>).status ?? '';
      return answer(200, { run_info: {} });
    }
    const batch = fields as { metrics?: Metric[]; params?: Pair[]; tags?: Pair[] };
    for (const { key: param, value } of batch.params ?? []) {
      const before = run.params.get(param);
      if (before !== undefined && before !== value)
        return refuse(400, 'INVALID_PARAMETER_VALUE', `changed ${param}`);
      run.params.set(param, value);
    }
    for (const { key: tagKey, value } of batch.tags ?? []) run.tags.set(tagKey, value);
    run.metrics.push(...(batch.metrics ?? []));
    return answer(200, {});
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  assert.ok(port > 0);
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

interface Pair {
  readonly key: string;
  readonly value: string;
}
