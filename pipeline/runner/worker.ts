/**
 * The process of a slot: does one job after the other, each told by a message, until its parent lets go of it.
 * Started as `worker.ts <registry file>`. Imports no engine itself: the registry does, when a job needs one.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JobId, PreparedWorker, RunnerContext, Stage, StageRegistry, Work } from './contract.ts';
import { toJobFailure } from './job-failure.ts';
import type { FromWorker, JobReply, JobRequest, ToWorker } from './messages.ts';
import { collectOutputs } from './outputs.ts';
import { throttle } from './throttle.ts';

const progressIntervalMs = 200;
const parent = process.ppid;
const registryUrl = pathToFileURL(process.argv[2]!).href;

let prepared: PreparedWorker | undefined;
let baselineBytes = process.memoryUsage.rss();
let running: { abort: AbortController; request: JobRequest } | undefined;

// A terminal's Ctrl-C may reach the whole group. The parent alone decides, and tells by message.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
// The parent is gone, or has no more work.
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  if (running === undefined) throw error;
  const reply: JobReply = { type: 'failed', ...toJobFailure(running.request.job.id, error) };
  // State is unknown after this: reply, then go.
  process.send?.(message(reply, true), () => process.exit(1));
});
process.on('message', (incoming: ToWorker) => {
  if (incoming.type === 'abort') running?.abort.abort(new Error('the run was interrupted'));
  else void work(incoming.request);
});

async function work(request: JobRequest): Promise<void> {
  const abort = new AbortController();
  running = { abort, request };
  const progress = throttle<FromWorker>(progressIntervalMs, tell);
  let reply: JobReply;
  try {
    reply = await runJob(request, abort.signal, progress.push);
  } catch (error) {
    reply = isAbort(error, abort.signal)
      ? { type: 'interrupted' }
      : { type: 'failed', ...toJobFailure(request.job.id, error) };
  }
  progress.drop();
  running = undefined;
  tell(message(reply, false));
}

async function runJob(
  request: JobRequest,
  signal: AbortSignal,
  progress: (report: FromWorker) => void,
): Promise<JobReply> {
  const registry = (await import(registryUrl)) as StageRegistry;
  const stage = registry.stages.find(({ name }) => name === request.stage);
  if (stage === undefined) throw new Error(`the registry has no stage ${request.stage}`);
  const { engine } = request;
  if (engine !== null && prepared === undefined) {
    prepared = await registry.prepareWorker(engine);
    baselineBytes = process.memoryUsage.rss();
  }
  signal.throwIfAborted();
  const { job, runFolder, folder, resumeFolder, published } = request;
  const optionalInput = (id: JobId): string | undefined => {
    if (!(id in published)) throw new Error(`${job.id} reads ${id} without declaring it`);
    return published[id] ?? undefined;
  };
  const context: RunnerContext = {
    engine,
    ...(request.input as object),
    runFolder,
    scratchFolder: join(runFolder, '.scratch'),
    folder,
    resumeFolder,
    signal,
    input(id) {
      const found = optionalInput(id);
      if (found === undefined) throw new Error(`${job.id} reads ${id}, which did not succeed`);
      return found;
    },
    optionalInput,
    progress(value) {
      // A busy loop never sees 'disconnect'; this way an orphan stops at its next step all the same.
      if (process.ppid !== parent) process.exit(1);
      const memory = { rssBytes: process.memoryUsage.rss(), tensors: prepared?.tensors() };
      progress({ type: 'progress', progress: value, memory });
    },
    warn(text) {
      tell({ type: 'warning', message: text });
    },
  };
  const run = await loadWork(stage);
  const summary = await run(job, context);
  const outputs = await collectOutputs(folder);
  return { type: 'finished', summary, outputs, engine: engine === null ? null : (prepared?.engine ?? null) };
}

async function loadWork(stage: Stage<never>): Promise<Work> {
  if (stage.work !== undefined) return (await stage.work()).run;
  return (job, context) => stage.run!(job, context as never);
}

function message(reply: JobReply, broken: boolean): FromWorker {
  return { type: 'reply', reply, baselineBytes, rssBytes: process.memoryUsage.rss(), broken };
}

function tell(outgoing: FromWorker): void {
  if (process.connected) process.send?.(outgoing);
}

/** What a stage throws when told to stop: the signal's reason itself, or an AbortError of a library that got the signal. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return (
    error === signal.reason ||
    (error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason))
  );
}
