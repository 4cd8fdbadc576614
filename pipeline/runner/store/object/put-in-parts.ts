import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '../../../util/hash.ts';
import type { LoadedClient } from './make-client.ts';
import { withRetries, type Patience } from './retry.ts';
import { withDigest } from './with-digest.ts';

export interface LargeFile {
  readonly Bucket: string;
  readonly Key: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** At least; a file has 10,000 parts at most. */
  readonly partBytes: number;
  readonly waits: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a file in parts, one behind the other, each read from the disk as it goes out; what was begun and fails is taken back. */
export async function putInParts({ client, sdk }: LoadedClient, file: LargeFile): Promise<void> {
  const { Bucket, Key, path, sizeBytes, waits, signal } = file;
  const partBytes = Math.max(file.partBytes, Math.ceil(sizeBytes / 10_000));
  const again = <T>(action: () => Promise<T>) => withRetries(action, { waits, signal });
  const options = signal === undefined ? {} : { abortSignal: signal };
  const { UploadId } = await again(() => client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key })));
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let start = 0; start < sizeBytes; start += partBytes) {
      const end = Math.min(start + partBytes, sizeBytes) - 1;
      const PartNumber = Parts.length + 1;
      const sha256 = await digestOf(path, start, end);
      const { ETag } = await again(async () => {
        const Body = createReadStream(path, { start, end });
        const part = { Bucket, Key, UploadId, PartNumber, Body, ContentLength: end - start + 1 };
        try {
          return await client.send(withDigest(new sdk.UploadPartCommand(part), sha256), options);
        } finally {
          Body.destroy();
        }
      });
      Parts.push({ PartNumber, ETag });
    }
    const whole = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    await again(() => client.send(new sdk.CompleteMultipartUploadCommand(whole)));
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function digestOf(path: string, start: number, end: number): Promise<Sha256> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { start, end }), hash);
  return hash.digest('hex') as Sha256;
}
