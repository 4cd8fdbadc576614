import { open } from 'node:fs/promises';
import { openFlags } from '../util/plain-file.ts';

const chunkBytes = 2 ** 20;
/** No event is longer. */
const longestLine = 2 ** 20;

/**
 * The lines of a log, of whatever length it is: a piece at a time, without what is longer than a line of a log can be. What a crash
 * cut short at the end is given, too. Nothing where there is no such file.
 * @throws the system's error but where there is none
 */
export async function* logLines(path: string): AsyncGenerator<string> {
  const file = await open(path, openFlags).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    if (!(await file.stat()).isFile()) return;
    const chunk = Buffer.alloc(chunkBytes);
    let rest: Buffer = Buffer.alloc(0);
    let isTooLong = false;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
        if (!isTooLong && end > start) yield bytes.toString('utf8', start, end);
        isTooLong = false;
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > longestLine) {
        isTooLong = true;
        rest = Buffer.alloc(0);
      }
    }
    if (!isTooLong && rest.length > 0) yield rest.toString('utf8');
  } finally {
    await file.close();
  }
}
