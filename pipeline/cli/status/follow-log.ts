import { open, type FileHandle } from 'node:fs/promises';
import { parseLoggedEvent, type LoggedEvent } from '../../runner/logged-event.ts';

/** What a run logs at its start: of a log only what comes after the last of these matters. */
const runStart = '"type":"run-started"';
/** So much of the end is read at first; four times as much until a start is in it. */
const firstBytes = 2 ** 18;
/** Of a log whose last run is longer only the end is read. */
const maximumBytes = 64 * 2 ** 20;

/**
 * Gives the events of a log from the last start of a run on, without progress, as often as it is called; looked at again, it reads
 * only what was added. A file that was replaced is read anew. What is torn, or is no event, is left out.
 */
export function followLog(path: string): () => Promise<readonly LoggedEvent[]> {
  let seen: { readonly inode: number; readonly end: number } | undefined;
  let events: LoggedEvent[] = [];
  return async () => {
    const file = await open(path, 'r').catch(() => undefined);
    if (file === undefined) {
      seen = undefined;
      return (events = []);
    }
    try {
      const { ino: inode, size } = await file.stat();
      const isSame = seen?.inode === inode && seen.end <= size;
      const from = isSame && seen !== undefined ? seen.end : await placeOfLastRun(file, size);
      const start = Math.max(from, size - maximumBytes);
      const bytes = await readBetween(file, start, size);
      // The last line may be half written.
      const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
      const text = whole.toString('utf8');
      const place = text.lastIndexOf(runStart);
      const added = eventsOf(place < 0 ? text : text.slice(text.lastIndexOf('\n', place) + 1));
      events = isSame && place < 0 ? [...events, ...added] : added;
      seen = { inode, end: start + whole.length };
    } catch {
      // A server that does not answer: what was read before stands.
    } finally {
      await file.close().catch(() => undefined);
    }
    return events;
  };
}

/** Where to begin so that the last start of a run is in it, if there is one not too far from the end. */
async function placeOfLastRun(file: FileHandle, size: number): Promise<number> {
  for (let length = firstBytes; length < Math.min(size, maximumBytes); length *= 4) {
    const tail = await readBetween(file, size - length, size);
    if (tail.includes(runStart)) return size - length;
  }
  return Math.max(0, size - maximumBytes);
}

async function readBetween(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, from + done);
    // It was cut short meanwhile.
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function eventsOf(text: string): LoggedEvent[] {
  return text.split('\n').flatMap((line) => {
    const isSkipped = line === '' || line.includes('"type":"job-progress"');
    return (isSkipped ? undefined : parseLoggedEvent(line)) ?? [];
  });
}
