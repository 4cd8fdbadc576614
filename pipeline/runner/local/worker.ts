/**
 * The process of a slot: does one job after the other, each told by a message, until its parent lets go of it.
 * Started as `worker.ts <registry file> <run folder>`. Imports no engine itself: the registry does, when a job needs one.
 */
import { pathToFileURL } from 'node:url';
import type { PreparedWorker, StageRegistry } from '../contract.ts';
import type { JobReply, JobRequest } from '../executor.ts';
import { toJobFailure } from '../job-failure.ts';
import { performJob } from '../perform-job.ts';
import type { FromWorker, ToWorker } from './process.ts';
import { throttle } from './throttle.ts';

const progressIntervalMs = 200;
const parent = process.ppid;
const [registryFile, runFolder] = process.argv.slice(2) as [string, string];

let prepared: PreparedWorker | undefined;
let baselineBytes = process.memoryUsage.rss();
let running: { abort: AbortController; request: JobRequest } | undefined;

// A terminal's Ctrl-C may reach the whole group, a scheduler's signal all processes of its job. The parent alone decides, and tells by
// message.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
// A file that may not grow (ulimit -f) is an error of the write that tells it.
if (process.platform !== 'win32')
  for (const signal of ['SIGXFSZ', 'SIGUSR1'] as const) process.on(signal, () => undefined);
// The parent is gone, or has no more work.
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  if (running === undefined) throw error;
  const reply: JobReply = { type: 'failed', ...toJobFailure(running.request.job.id, error, runFolder) };
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
    reply = await finish(request, abort.signal, progress.push);
  } catch (error) {
    reply = isAbort(error, abort.signal)
      ? { type: 'interrupted' }
      : { type: 'failed', ...toJobFailure(request.job.id, error, runFolder) };
  }
  progress.drop();
  running = undefined;
  tell(message(reply, false));
}

async function finish(
  request: JobRequest,
  signal: AbortSignal,
  report: (report: FromWorker) => void,
): Promise<JobReply> {
  const registry = (await import(pathToFileURL(registryFile).href)) as StageRegistry;
  if (request.engine !== null && prepared === undefined) {
    prepared = await registry.prepareWorker(request.engine);
    baselineBytes = process.memoryUsage.rss();
  }
  signal.throwIfAborted();
  const done = await performJob(request, {
    stages: registry.stages,
    runFolder,
    signal,
    progress(progress) {
      // A busy loop never sees 'disconnect'; this way an orphan stops at its next step all the same.
      if (process.ppid !== parent) process.exit(1);
      const memory = { rssBytes: process.memoryUsage.rss(), tensors: prepared?.tensors() };
      report({ type: 'progress', progress, memory });
    },
    warn(text) {
      tell({ type: 'warning', message: text });
    },
  });
  return { type: 'finished', ...done, engine: request.engine === null ? null : (prepared?.engine ?? null) };
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
