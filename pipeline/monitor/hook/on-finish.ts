import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Note } from '../contained.ts';
import type { Listener, RunEnd, RunFacts } from '../listener.ts';
import { hookEnvironment } from './environment.ts';
import { summarise } from './summary.ts';

export interface OnFinishOptions {
  /** For the shell, as the config has it. */
  readonly command: string;
  readonly facts: RunFacts;
  readonly note: Note;
  /** Nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Where it may write nothing, its output is dropped. Default: the run folder. */
  readonly logFolder?: string | undefined;
  /** After which it is ended. Default a minute. */
  readonly limitMs?: number | undefined;
}

/** How long the hook may take to stop when it is told to. */
const graceMs = 2000;

/** The hook's output, in the run folder, of the last time. */
export const hookLog = 'on-finish.log';

/**
 * Runs a command for the shell when the run has ended, however. It gets a summary as JSON on its input and the most of it as
 * variables; what it prints goes to a file. Its failure is a note: the run has ended as it has.
 */
export function onFinish(options: OnFinishOptions): Listener {
  const { facts } = options;
  const { handle, summary } = summarise(facts);
  return {
    handle,
    close: (end: RunEnd) => runHook(options, JSON.stringify(summary(end)), hookEnvironment(summary(end))),
  };
}

async function runHook(
  { command, facts, note, signal, logFolder = facts.folder, limitMs = 60_000 }: OnFinishOptions,
  input: string,
  variables: Record<string, string>,
): Promise<void> {
  const path = join(logFolder, hookLog);
  const log = openLog(path);
  const seen = log === undefined ? '' : `; its output: ${path}`;
  const complain = (what: string) => note(`onFinish: the command ${what}${seen}`);
  try {
    // A process group of its own: Ctrl-C, which ended the run, is not meant for it, and it is ended with all that it started.
    const child = spawn(command, {
      shell: true,
      detached: true,
      env: { ...process.env, ...variables },
      stdio: ['pipe', log ?? 'ignore', log ?? 'ignore'],
    });
    const end = (how: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, how);
      } catch {
        // It has ended in between.
      }
    };
    let why: string | undefined;
    let killer: NodeJS.Timeout | undefined;
    const stop = (reason: string) => {
      why ??= reason;
      end('SIGTERM');
      killer ??= setTimeout(() => end('SIGKILL'), graceMs);
    };
    const limit = setTimeout(() => stop(`was ended: it took more than ${limitMs / 1000} s`), limitMs);
    const onAbort = () => stop('was ended: interrupted');
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    // A hook that reads nothing of it is as good.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    await new Promise<void>((resolve) => {
      child.on('error', (error) => {
        why ??= `could not be started: ${error.message}`;
        resolve();
      });
      child.on('exit', (code, by) => {
        if (code !== 0) why ??= by === null ? `ended with exit code ${code}` : `was ended by ${by}`;
        resolve();
      });
    });
    clearTimeout(limit);
    clearTimeout(killer);
    if (killer !== undefined) end('SIGKILL');
    signal.removeEventListener('abort', onAbort);
    if (why !== undefined) complain(why);
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'w');
  } catch {
    return undefined;
  }
}
