import { open, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { BlockForgeError, fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';

export interface DownloadProgress {
  readonly file: string;
  readonly doneBytes: number;
  /** Undefined where the server does not say. */
  readonly totalBytes?: number;
}

export interface DownloadRequest {
  readonly url: string;
  readonly target: string;
  /** Bearer token; not sent to another host that the server redirects to. */
  readonly token?: string | undefined;
  /** The most that is taken, whatever the server says or sends. */
  readonly maxBytes: number;
  /** What is wrong with a whole file's content: then it is not kept. */
  readonly problem: (path: string) => Promise<string | undefined>;
  /** The way by hand, for the failure's message. */
  readonly next: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const attempts = 4;
const stallMs = 60_000;

/**
 * Loads `url` into `target` by way of `target.part`, which survives an interruption and is continued, also by a later
 * call. Size, content and, where the server's tag is one, SHA-256 are checked before the file appears under its name.
 * @returns false where the server has no such file (404)
 * @throws BlockForgeError `download-failed`, `out-of-space`
 */
export async function download(request: DownloadRequest): Promise<boolean> {
  const { url, target, next, signal } = request;
  const part = `${target}.part`;
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      const found = await transfer(request, part, before);
      if (found) await rename(part, target);
      return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BlockForgeError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
        fail(
          {
            reason: 'out-of-space',
            subject: part,
            found: 'the disk is full',
            next: 'free some space; it resumes',
          },
          error,
        );
      }
      const progressed = (await sizeOf(part)) > before;
      // A cut line is worth another try; a server that was never reached is not.
      if (attempt === attempts || (!progressed && attempt > 1) || (!progressed && before === 0)) {
        const kept = await sizeOf(part);
        fail(
          {
            reason: 'download-failed',
            subject: url,
            found: `${causeOf(error)}${kept > 0 ? ` (${kept} bytes are kept and will be continued)` : ''}`,
            next,
          },
          error,
        );
      }
      await setTimeout(200 * attempt, undefined, { signal });
    }
  }
}

async function transfer(request: DownloadRequest, part: string, have: number): Promise<boolean> {
  const { url, next, onProgress, signal, target } = request;
  const stalled = new AbortController();
  const timer = globalThis.setTimeout(() => stalled.abort(new Error('no answer for a minute')), stallMs);
  try {
    const either = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
    const { response, digest, size } = await requestFollowing(request, have, either);
    const refuse = (found: string, hint = next, expected?: string): never =>
      fail({ reason: 'download-failed', subject: url, found, ...(expected && { expected }), next: hint });
    if (response.status === 404) return false;
    if (response.status === 401 || response.status === 403) {
      refuse(
        `status ${response.status}: not allowed`,
        `set HF_TOKEN to a token that may read it, or ${next}`,
      );
    }
    if (response.status === 206 && digest === undefined) {
      // Without a digest nothing would tell that the two halves belong to different versions.
      await response.body?.cancel();
      await rm(part, { force: true });
      return await transfer(request, part, 0);
    }
    // 416: everything is here already, or the part belongs to another version. The checks below tell.
    if (response.status !== 416) {
      if (!response.ok || response.body === null) refuse(`status ${response.status} ${response.statusText}`);
      const start = response.status === 206 ? have : 0;
      const length = response.headers.get('content-length');
      const totalBytes = size ?? (length === null ? undefined : start + Number(length));
      if (totalBytes !== undefined && totalBytes > request.maxBytes) {
        await response.body?.cancel();
        refuse(`${totalBytes} bytes`, next, mostly(request));
      }
      const handle = await open(part, start > 0 ? 'a' : 'w');
      try {
        let doneBytes = start;
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
          timer.refresh();
          await handle.appendFile(chunk);
          doneBytes += chunk.length;
          if (doneBytes > Math.min(totalBytes ?? Infinity, request.maxBytes)) {
            await rm(part, { force: true });
            refuse(
              `more than the ${totalBytes ?? request.maxBytes} bytes it may have`,
              next,
              mostly(request),
            );
          }
          onProgress?.({
            file: basename(target),
            doneBytes,
            ...(totalBytes !== undefined && { totalBytes }),
          });
        }
        if (totalBytes !== undefined && doneBytes < totalBytes)
          throw new Error(`cut after ${doneBytes} of ${totalBytes} bytes`);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    const got = await sizeOf(part);
    const wrongSize = size !== undefined && got !== size;
    const found = wrongSize || digest === undefined ? digest : await sha256File(part);
    if (wrongSize || found !== digest) {
      await rm(part, { force: true });
      refuse(
        wrongSize ? `${got} bytes instead of ${size}` : `SHA-256 ${found} instead of ${digest}`,
        `give the same command again, it starts this file anew; or ${next}`,
      );
    }
    const problem = await request.problem(part);
    if (problem !== undefined) {
      await rm(part, { force: true });
      refuse(problem, `see in a browser what answers there (a login, a proxy, a mirror); or ${next}`);
    }
    return true;
  } finally {
    clearTimeout(timer);
  }
}

/** Follows redirects by hand: the digest is told by the first answer, and the token is for the first host only. */
async function requestFollowing(
  { url, token }: DownloadRequest,
  have: number,
  signal: AbortSignal,
): Promise<{ response: Response; digest?: string; size?: number }> {
  let place = new URL(url);
  const first = place.origin;
  let digest: string | undefined;
  let size: number | undefined;
  for (let hop = 0; hop < 6; hop++) {
    const response = await fetch(place, {
      redirect: 'manual',
      signal,
      headers: {
        'accept-encoding': 'identity',
        ...(have > 0 && { range: `bytes=${have}-` }),
        ...(token !== undefined && place.origin === first && { authorization: `Bearer ${token}` }),
      },
    });
    const tag = response.headers.get('x-linked-etag') ?? response.headers.get('etag');
    const plain = tag?.replace(/^W\//, '').replaceAll('"', '');
    if (digest === undefined && plain !== undefined && /^[0-9a-f]{64}$/.test(plain)) digest = plain;
    const whole =
      response.headers.get('x-linked-size') ??
      /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (whole !== undefined) size ??= Number(whole);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      place = nextPlace(location, place, url);
      continue;
    }
    return { response, ...(digest !== undefined && { digest }), ...(size !== undefined && { size }) };
  }
  throw new Error('too many redirects');
}

function mostly({ maxBytes }: DownloadRequest): string {
  return `at most ${maxBytes} bytes`;
}

/** @throws BlockForgeError `download-failed` where encryption is given up on the way, or it is no web address at all */
function nextPlace(location: string, from: URL, url: string): URL {
  const place = new URL(location, from);
  if (place.protocol === 'https:' || place.protocol === new URL(url).protocol) return place;
  return fail({
    reason: 'download-failed',
    subject: url,
    found: `it leads to ${place.protocol}//${place.host}`,
    expected: 'https',
    next: 'download it by hand, or correct HF_ENDPOINT',
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** fetch hides why it failed in the error's cause. */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const reason = cause?.code ?? cause?.message;
  return reason === undefined ? message : `${message} (${reason})`;
}
