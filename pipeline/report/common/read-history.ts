import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from '../../runner/contract.ts';
import { logLines } from '../../runner/log-lines.ts';
import { parseLoggedEvent, type LoggedEvent } from '../../runner/logged-event.ts';
import type { RunHistory, Session, Try } from './run-history.ts';

/** More are counted, not kept. */
const maximumTries = 200_000;

/** Of lines of progress only these two matter, and there may be millions. */
const progress = /"type":"job-progress"/;
const progressJob = /"job":"((?:[^"\\]|\\.)*)"/;
const progressBytes = /"rssBytes":(\d{1,15})\b/;

/** Reads `events.jsonl` and `events/*.jsonl` to their ends. What is torn or foreign in them is left out. */
export async function readHistory(runFolder: string): Promise<RunHistory> {
  const tries: Try[] = [];
  const sessions: Session[] = [];
  const peakBytes = new Map<JobId, number>();
  let leftOut = 0;
  const keep = (entry: Try): void => {
    if (tries.length < maximumTries) tries.push(entry);
    else leftOut++;
  };
  const alone = join(runFolder, 'events');
  const names = (await readdir(alone).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort();
  const ofRuns = join(runFolder, 'events.jsonl');
  for (const path of [ofRuns, ...names.map((name) => join(alone, name))]) {
    const reader = logReader(keep, (session) => sessions.push(session), path !== ofRuns);
    for await (const line of logLines(path)) {
      if (progress.test(line)) notePeak(line, peakBytes);
      else {
        const event = parseLoggedEvent(line);
        if (event !== undefined) reader.take(event);
      }
    }
    reader.end();
  }
  return { sessions, tries: tries.sort((a, b) => a.started - b.started), peakBytes, leftOut };
}

function notePeak(line: string, peaks: Map<JobId, number>): void {
  const job = progressJob.exec(line)?.[1];
  const bytes = Number(progressBytes.exec(line)?.[1] ?? 0);
  if (job !== undefined && bytes > (peaks.get(job) ?? 0)) peaks.set(job, bytes);
}

const ends: Readonly<Record<string, Try['end']>> = {
  'job-finished': 'finished',
  'job-failed': 'failed',
  'job-retried': 'retried',
  'job-interrupted': 'interrupted',
};

/** Makes tries and sessions of the events of one log, in their order. */
function logReader(
  keep: (entry: Try) => void,
  addSession: (session: Session) => void,
  isAlone: boolean,
): { take(event: LoggedEvent): void; end(): void } {
  const open = new Map<JobId, { by: string; started: number }>();
  let session: { started: number; ended: number; engine?: string } | undefined;
  let last = 0;
  const closeAll = (): void => {
    for (const [job, { by, started }] of open)
      keep({ job, by, started, ended: Math.max(started, last), end: 'lost' });
    open.clear();
    if (session !== undefined) addSession(session);
    session = undefined;
  };
  return {
    take(event) {
      const time = Date.parse(event.time);
      if (Number.isNaN(time)) return;
      if (event.type === 'run-started') {
        closeAll();
        session = {
          started: time,
          ended: time,
          ...(typeof event.engine === 'string' && { engine: event.engine }),
        };
      }
      last = time;
      if (session !== undefined) session.ended = Math.max(session.ended, time);
      if (!('job' in event)) return;
      if (event.type === 'job-started') {
        const by = typeof event.worker === 'string' ? event.worker : `slot ${numberOf(event.slot) ?? 0}`;
        open.set(event.job, { by: isAlone ? 'by itself' : by, started: time });
      }
      const end = Object.hasOwn(ends, event.type) ? ends[event.type] : undefined;
      if (end === undefined) return;
      const { job } = event;
      const seconds = 'seconds' in event ? (numberOf(event.seconds) ?? 0) : 0;
      // Of one whose start is not in the log any more.
      const { by, started } = open.get(job) ?? {
        by: 'unknown',
        started: time - 1000 * Math.max(0, seconds),
      };
      open.delete(job);
      keep({ job, by, started: Math.min(started, time), ended: time, end });
    },
    end: closeAll,
  };
}

/** Logs come from others, too. */
function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
