import { lstat, open } from 'node:fs/promises';
import { writeFileAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { openFlags } from '../util/plain-file.ts';
import { outputPlace } from '../util/output-place.ts';
import type { ReportPage } from './page.ts';
import { pageMark } from './page-mark.ts';

/** Every page says within so many bytes what it is. */
const headBytes = 4096;

/**
 * Draws a page into a file, which is there as a whole or not at all. A file that is no such page stays.
 * @returns its bytes
 * @throws BlockForgeError `place-unusable`, `out-of-space`
 */
export async function writePage(path: string, page: ReportPage): Promise<number> {
  await refuseForeign(path);
  const { renderPage } = await import('./render-page.ts');
  const html = await renderPage(page);
  await writeFileAtomic(path, html);
  return Buffer.byteLength(html);
}

/** Whether a page lies there. */
export async function isPage(path: string): Promise<boolean> {
  const file = await open(path, openFlags).catch(() => undefined);
  if (file === undefined) return false;
  try {
    if (!(await file.stat()).isFile()) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.toString('latin1', 0, bytesRead).includes(pageMark);
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

async function refuseForeign(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || (await isPage(path))) return;
  // What is written into, not over.
  if (!found.isSymbolicLink() && (await outputPlace(path)).kind === 'stream') return;
  fail({
    reason: 'place-unusable',
    subject: path,
    found: found.isSymbolicLink()
      ? 'a link to what is no report of BlockForge'
      : 'a file that is no report of BlockForge',
    expected: 'a new file, or a report to replace',
    next: 'move it away, or --out FILE for another place',
  });
}
