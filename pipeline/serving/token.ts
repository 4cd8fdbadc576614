import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Metadata, status } from '@grpc/grpc-js';
import { fail } from '../util/failure.ts';
import { Refusal } from './refusal.ts';

/** Looks at who asks. @throws Refusal UNAUTHENTICATED */
export type Guard = (metadata: Metadata) => void;

const header = 'authorization';

/** Lets everybody in where no token is set. Tokens are compared by their hashes, in a time that tells nothing of them. */
export function guardOf(token: string | undefined): Guard {
  if (token === undefined) return () => undefined;
  const expected = digest(`Bearer ${token}`);
  return (metadata) => {
    const [given] = metadata.get(header);
    if (given === undefined) throw new Refusal(status.UNAUTHENTICATED, 'a token is needed');
    if (!timingSafeEqual(digest(given.toString()), expected))
      throw new Refusal(status.UNAUTHENTICATED, 'the token is another one');
  };
}

/** What a client sends with every request. */
export function withToken(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set(header, `Bearer ${token}`);
  return metadata;
}

/**
 * The token in a file, without the white space around it.
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) =>
    fail({ reason: 'file-missing', subject: path, found: (error as Error).message }, error),
  );
  const token = text.trim();
  if (/^[\x21-\x7e]{16,1024}$/.test(token)) return token;
  return fail({
    reason: 'file-invalid',
    subject: path,
    found: token === '' ? 'an empty file' : 'no token that can be sent',
    expected: 'one word of 16 to 1,024 printable ASCII characters',
    next: `openssl rand -hex 32 > ${path}`,
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
