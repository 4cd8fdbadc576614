import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Sha256 } from '../../../util/hash.ts';
import type { LoadedClient } from './make-client.ts';
import { patient, withRetries, type Patience } from './retry.ts';
import { putInParts } from './put-in-parts.ts';
import { ObjectMissing } from './store-failure.ts';
import { withDigest } from './with-digest.ts';

/** A file, or the beginning of one that grows. */
export interface FileContent {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** What is asked of an object store, each tried again for as long as `waits` say. Keys are below the bucket. */
export interface Objects {
  /** `s3://bucket/prefix`, for messages. */
  readonly place: string;
  has(key: string, sizeBytes: number): Promise<boolean>;
  putFile(key: string, file: FileContent): Promise<void>;
  putText(key: string, text: string): Promise<void>;
  /** @returns undefined where there is none, or one that is larger */
  getText(key: string, maxBytes: number): Promise<string | undefined>;
  /** Tried once: who reads on may have to begin anew. @throws ObjectMissing */
  open(key: string): Promise<Readable>;
  remove(key: string): Promise<void>;
  list(prefix: string): Promise<string[]>;
  /** Does an action again while what went wrong may pass. */
  again<T>(action: () => Promise<T>): Promise<T>;
  /** With other patience, or until a signal. */
  with(settings: Pick<ObjectsSettings, 'waits' | 'signal'>): Objects;
  close(): void;
}

export interface ObjectsSettings {
  readonly bucket: string;
  readonly place: string;
  readonly waits?: Patience | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Files above it are sent in parts of this size, each of which is tried again alone. Default 512 MiB; S3 takes 5 GiB at once. */
  readonly partBytes?: number | undefined;
}

export function createObjects(loaded: LoadedClient, settings: ObjectsSettings): Objects {
  const { client, sdk } = loaded;
  const { bucket: Bucket, place, waits = patient, signal, partBytes = 2 ** 29 } = settings;
  const again = <T>(action: () => Promise<T>) => withRetries(action, { waits, signal });
  const options = signal === undefined ? {} : { abortSignal: signal };
  return {
    place,
    again,
    has: (Key, sizeBytes) =>
      again(async () => {
        try {
          const { ContentLength } = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }), options);
          return ContentLength === sizeBytes;
        } catch (error) {
          if (isMissing(error)) return false;
          throw error;
        }
      }),
    async putFile(Key, { path, sizeBytes, sha256 }) {
      if (sizeBytes > partBytes) {
        return putInParts(loaded, { Bucket, Key, path, sizeBytes, partBytes, waits, signal });
      }
      await again(async () => {
        const Body = sizeBytes === 0 ? new Uint8Array(0) : createReadStream(path, { end: sizeBytes - 1 });
        const command = new sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength: sizeBytes });
        try {
          await client.send(withDigest(command, sha256), options);
        } finally {
          if (!(Body instanceof Uint8Array)) Body.destroy();
        }
      });
    },
    async putText(Key, text) {
      const Body = Buffer.from(text);
      await again(() => client.send(new sdk.PutObjectCommand({ Bucket, Key, Body })));
    },
    getText: (Key, maxBytes) =>
      again(async () => {
        try {
          const { Body, ContentLength = 0 } = await client.send(
            new sdk.GetObjectCommand({ Bucket, Key }),
            options,
          );
          if (ContentLength <= maxBytes) return await Body?.transformToString();
          (Body as Readable).destroy();
          return undefined;
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      }),
    async open(Key) {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }), options);
        return Body as Readable;
      } catch (error) {
        if (isMissing(error)) throw new ObjectMissing(`${Key} is not there any more`, { cause: error });
        throw error;
      }
    },
    async remove(Key) {
      await again(() => client.send(new sdk.DeleteObjectCommand({ Bucket, Key })));
    },
    async list(Prefix) {
      const keys: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const command = new sdk.ListObjectsV2Command({ Bucket, Prefix, ContinuationToken });
        const page = await again(() => client.send(command));
        keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
        ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
      return keys;
    },
    with: (others) => createObjects(loaded, { ...settings, ...others }),
    close: () => client.destroy(),
  };
}

function isMissing(error: unknown): boolean {
  const { name } = error as Error;
  return name === 'NoSuchKey' || name === 'NotFound';
}
