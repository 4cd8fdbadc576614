import { allocate } from '../../model/untrusted-file.ts';
import { fail } from '../../util/failure.ts';
import { formatBytes } from '../../util/format.ts';
import type { DemoFile } from '../demo-document.ts';

/**
 * A file beside the page, whole and what the library says it is. No more is ever held than its size; contents are checked where the
 * browser can (https, or this machine).
 * @throws BlockForgeError `download-failed`, `library-invalid`
 */
export async function fetchFile({ path, sizeBytes, sha256 }: DemoFile, base: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(path, base)).catch((error: unknown) =>
    fail({ reason: 'download-failed', subject: path, found: (error as Error).message, next }, error),
  );
  if (!response.ok || response.body === null)
    return fail({ reason: 'download-failed', subject: path, found: `answer ${response.status}`, next });
  const reader = response.body.getReader();
  const bytes = new Uint8Array(allocate(sizeBytes, path));
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (length + part.value.length > sizeBytes) {
      await reader.cancel();
      refuse(path, `more than ${formatBytes(sizeBytes)}`, `${sizeBytes} bytes`);
    }
    bytes.set(part.value, length);
    length += part.value.length;
  }
  if (length !== sizeBytes) refuse(path, `${length} bytes`, `${sizeBytes} bytes`);
  if (canHash()) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (found !== sha256) refuse(path, `content ${found.slice(0, 12)}...`, `${sha256.slice(0, 12)}...`);
  }
  return bytes.buffer;
}

/** Browsers hash for pages over https and for those of this machine. */
export function canHash(): boolean {
  const { crypto: found } = globalThis as { crypto?: { subtle?: unknown } };
  return found?.subtle !== undefined;
}

const next = 'load the page again; if it stays, write the demonstration again';

function refuse(path: string, found: string, expected: string): never {
  return fail({ reason: 'library-invalid', subject: path, found, expected, next });
}
