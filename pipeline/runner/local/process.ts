import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { packageFolder } from '../../util/package.ts';
import type { JobReply, JobReport, JobRequest } from '../executor.ts';
import type { JobFailure } from '../job-failure.ts';
import { passingOf, passingOfError } from '../passing.ts';
import { watchLife } from './signs-of-life.ts';

export type ToWorker = { readonly type: 'job'; readonly request: JobRequest } | { readonly type: 'abort' };

/** A reply carries the process's memory before its first job and after this one. */
export type FromWorker =
  | JobReport
  | {
      readonly type: 'reply';
      readonly reply: JobReply;
      readonly baselineBytes: number;
      readonly rssBytes: number;
      /** An error escaped the job: the process must not be used again. */
      readonly broken: boolean;
    };

export interface SlotOptions {
  readonly index: number;
  /** Path of the module that exports the stages (`StageRegistry`). */
  readonly registry: string;
  readonly runFolder: string;
  /** Added to this process's environment, e.g. `CUDA_VISIBLE_DEVICES`. */
  readonly environment: Readonly<Record<string, string>>;
  /** A process that grew this much over its start is replaced after its job. */
  readonly recycleBytes: number;
  /** A process at work that shows no sign of life for so long is ended; undefined: never. */
  readonly silentMs?: number | undefined;
  /** A process killed with more than this much memory was one too many: its job may go well alone. */
  readonly crowdedBytes?: number | undefined;
  /** What an engine prints on its own goes here, and into the message when the process dies. */
  readonly logFile: string;
}

/** One place for a job: a child process, started with the first job and kept for the next ones. */
export interface Slot {
  readonly index: number;
  readonly alive: boolean;
  run(request: JobRequest, onReport: (report: JobReport) => void): Promise<JobReply>;
  /** Asks the running job to write a checkpoint and stop; kills it if it is still there after `graceMs`. */
  abort(graceMs: number): void;
  kill(): void;
  /** Lets go of the process and waits for its end. */
  close(): Promise<void>;
}

const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url));
const starter = join(packageFolder, 'scripts', 'start.js');
const closeGraceMs = 3000;
const lastWordsMs = 1000;

export function createSlot(options: SlotOptions): Slot {
  let child: ChildProcess | undefined;
  let busy = false;
  let aborting: NodeJS.Timeout | 'killed' | undefined;
  let lastRssBytes = 0;

  const close = async (): Promise<void> => {
    const leaving = child;
    child = undefined;
    if (leaving === undefined || hasEnded(leaving)) return;
    const ended = new Promise((resolve) => leaving.once('exit', resolve));
    const timer = setTimeout(() => leaving.kill('SIGKILL'), closeGraceMs);
    if (leaving.connected) leaving.disconnect();
    await ended;
    clearTimeout(timer);
  };

  return {
    index: options.index,
    get alive() {
      return child !== undefined && !hasEnded(child);
    },
    async run(request, onReport) {
      if (child === undefined || hasEnded(child)) child = startWorker(options);
      const current = child;
      const started = performance.now();
      lastRssBytes = 0;
      busy = true;
      const { reply, recycle } = await new Promise<{ reply: JobReply; recycle: boolean }>((resolve) => {
        let isSilent = false;
        const life = watchOver(current, options.silentMs, () => {
          isSilent = true;
          current.kill('SIGKILL');
        });
        const onMessage = (incoming: FromWorker): void => {
          life?.heard();
          if (incoming.type !== 'reply') {
            if (incoming.type === 'progress') lastRssBytes = incoming.memory.rssBytes;
            return onReport(incoming);
          }
          const grown = incoming.rssBytes - incoming.baselineBytes;
          settle(incoming.reply, incoming.broken || grown > options.recycleBytes);
        };
        const onEnd = (code: number | Error | null, signal?: NodeJS.Signals | null): void => {
          if (child === current) child = undefined;
          if (aborting !== undefined) return settle({ type: 'interrupted' });
          const seconds = (performance.now() - started) / 1000;
          const failure = isSilent
            ? describeSilence(request, options, seconds)
            : describeDeath(request, options, code, signal, seconds, lastRssBytes);
          settle({ type: 'failed', ...failure });
        };
        // The end of a process can be seen before the last words it sent: those are read first.
        const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
          if (!current.connected) return onEnd(code, signal);
          const timer = setTimeout(() => onEnd(code, signal), lastWordsMs);
          current.once('disconnect', () => {
            clearTimeout(timer);
            setImmediate(() => onEnd(code, signal));
          });
        };
        const settle = (value: JobReply, isSpent = false): void => {
          life?.end();
          current.off('message', onMessage).off('exit', onExit).off('error', onEnd);
          resolve({ reply: value, recycle: isSpent });
        };
        current.on('message', onMessage).on('exit', onExit).on('error', onEnd);
        send(current, { type: 'job', request });
      });
      busy = false;
      if (typeof aborting === 'object') clearTimeout(aborting);
      if (recycle) await close();
      return reply;
    },
    abort(graceMs) {
      if (child === undefined || !busy || aborting !== undefined) return;
      const current = child;
      aborting = setTimeout(() => current.kill('SIGKILL'), graceMs);
      send(current, { type: 'abort' });
    },
    kill() {
      if (typeof aborting === 'object') clearTimeout(aborting);
      aborting = 'killed';
      child?.kill('SIGKILL');
    },
    close,
  };
}

function startWorker({ registry, runFolder, environment, logFile }: SlotOptions): ChildProcess {
  const log = openSync(logFile, 'w');
  try {
    const child = fork(starter, [workerFile, registry, runFolder], {
      execArgv: [],
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log, 'ipc'],
      serialization: 'advanced',
      // Its own process group: a terminal's Ctrl-C would kill the compiler service that the TypeScript loader starts
      // beside the worker, and the checkpoint could not be written. The parent's message is the only stop sign.
      detached: true,
    });
    // A process that dies between two jobs is noticed by `hasEnded`; its late errors are nobody's.
    return child.on('error', () => undefined);
  } finally {
    closeSync(log);
  }
}

function watchOver(
  { pid }: ChildProcess,
  silentMs: number | undefined,
  onSilent: () => void,
): ReturnType<typeof watchLife> | undefined {
  return pid === undefined || silentMs === undefined ? undefined : watchLife({ pid, silentMs, onSilent });
}

function send(child: ChildProcess, message: ToWorker): void {
  // An error here means that the process is dying; its 'exit' event tells the rest.
  child.send(message, () => undefined);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || !child.connected;
}

function describeDeath(
  { job }: JobRequest,
  { logFile, crowdedBytes = Infinity }: SlotOptions,
  code: number | Error | null,
  signal: NodeJS.Signals | null | undefined,
  seconds: number,
  lastRssBytes: number,
): JobFailure {
  const how = code instanceof Error ? code.message : (signal ?? `exit code ${code}`);
  const memory = lastRssBytes > 0 ? `, it last used ${formatBytes(lastRssBytes)} of memory` : '';
  return {
    failure: {
      reason: 'job-failed',
      subject: job.id,
      found: `its process died (${how}) after ${formatDuration(seconds)}${memory}`,
      next:
        signal === 'SIGKILL'
          ? 'most often the system ran out of memory: end other programs, or set smaller batches (statistics.batchSize, ' +
            'measure.batchSize, distill.batchSize); the same command resumes'
          : `read ${logFile}; the same command resumes`,
    },
    stack: logTail(logFile),
    passing: code instanceof Error ? passingOfError(code) : passingOf(signal),
    alone: signal === 'SIGKILL' && lastRssBytes > crowdedBytes,
  };
}

function describeSilence(
  { job }: JobRequest,
  { logFile, silentMs = 0 }: SlotOptions,
  seconds: number,
): JobFailure {
  return {
    failure: {
      reason: 'job-failed',
      subject: job.id,
      found:
        `its process hung: no word and no work for ${formatDuration(silentMs / 1000)}, ` +
        `it was ended after ${formatDuration(seconds)}`,
      next: `read ${logFile}; if it was at work, set a larger executor.silentMinutes; the same command resumes`,
    },
    stack: logTail(logFile),
    passing: true,
  };
}

function logTail(logFile: string): string | undefined {
  try {
    const tail = readFileSync(logFile, 'utf8').trim().slice(-2000);
    return tail === '' ? undefined : tail;
  } catch {
    return undefined;
  }
}
