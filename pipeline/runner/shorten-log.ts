import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';

/** A longer log is shortened before the next run appends to it. */
const maximumBytes = 16 * 2 ** 20;
/** Of the last run so many lines of progress are kept for each job, or a few more. */
const keptProgress = 20;
const chunkBytes = 2 ** 20;

/** `type` is the second of a line's keys; inside of texts there would be backslashes before the quotes. */
const typeOf = /^\{"time":"[^"]*","type":"([a-z-]+)"/;
const jobOf = /"job":"([^"]*)"/;

/**
 * Takes out of a log of events that is too long what nobody reads any more: progress of earlier runs and the jobs they found up
 * to date; the last run's progress is thinned. What failed and what ended stays. The file is replaced at once, so that whoever
 * reads it has the old one or the new one. Nobody else may be writing to it. One that is no file, or is short, stays as it is.
 * @throws the system's error, with the log as it was
 */
export function shortenLog(path: string, maximum = maximumBytes): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size <= maximum) return;
  const lastRun = surveyLastRun(path);
  const target = realpathSync(path);
  const temporary = `${target}.tmp-${randomBytes(4).toString('hex')}`;
  const file = openSync(temporary, 'wx', found.mode);
  try {
    const isKept = keeper(lastRun);
    let waiting: Buffer[] = [];
    let bytes = 0;
    const flush = (): void => {
      writeAll(file, Buffer.concat(waiting));
      waiting = [];
      bytes = 0;
    };
    for (const line of linesOf(path)) {
      if (!isKept(line)) continue;
      waiting.push(line);
      bytes += line.length;
      if (bytes >= chunkBytes) flush();
    }
    flush();
    fsyncSync(file);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

interface LastRun {
  /** The number of its first line. */
  readonly begin: number;
  /** Lines of progress of each job. */
  readonly progress: ReadonlyMap<string, number>;
}

/** A job by itself has no run: it begins with its last start. */
function surveyLastRun(path: string): LastRun {
  let begin = 0;
  let hasRuns = false;
  let number = 0;
  const progress = new Map<string, number>();
  for (const line of linesOf(path)) {
    const { type, job } = kindOf(line);
    hasRuns ||= type === 'run-started';
    if (type === 'run-started' || (type === 'job-started' && !hasRuns)) {
      begin = number;
      progress.clear();
    }
    if (type === 'job-progress') progress.set(job, (progress.get(job) ?? 0) + 1);
    number++;
  }
  return { begin, progress };
}

/** Whether a line stays; to be asked of all, in their order. */
function keeper({ begin, progress }: LastRun): (line: Buffer) => boolean {
  let number = 0;
  const seen = new Map<string, number>();
  // That one of these was found up to date is the last word about it.
  const bad = new Set<string>();
  return (line) => {
    const isOfLastRun = number++ >= begin;
    const { type, job } = kindOf(line);
    if (type === 'job-failed' || type === 'job-blocked') bad.add(job);
    if (type === 'job-finished') bad.delete(job);
    if (type === 'job-skipped') return bad.delete(job) || isOfLastRun;
    if (type !== 'job-progress') return true;
    if (!isOfLastRun) return false;
    const before = seen.get(job) ?? 0;
    seen.set(job, before + 1);
    return before % Math.max(1, Math.floor((progress.get(job) ?? 0) / keptProgress)) === 0;
  };
}

function kindOf(line: Buffer): { readonly type: string; readonly job: string } {
  const text = line.toString('utf8', 0, 400);
  return { type: typeOf.exec(text)?.[1] ?? '', job: jobOf.exec(text)?.[1] ?? '' };
}

/** With their ends. A log may be larger than what one text can hold. */
function* linesOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const count = readSync(file, chunk, 0, chunk.length, null);
      if (count === 0) break;
      const text = Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, start)) {
        yield text.subarray(start, end + 1);
        start = end + 1;
      }
      rest = text.subarray(start);
    }
    if (rest.length > 0) yield rest;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}
