import { fail } from '../util/failure.ts';

/** Where files of a run go through. */
export type StorePlace =
  | { readonly kind: 'folder' }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without a slash at either end; may be empty. */
      readonly prefix: string;
    };

/** Names of buckets as S3 takes them; tenants of Ceph (`tenant:bucket`) are not among them. */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** @returns what is wrong with it, or undefined */
export function storeProblem(text: string): string | undefined {
  if (text === 'folder') return undefined;
  const found = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(text);
  if (found === null) return 'expected "folder" or "s3://bucket/prefix"';
  const [, bucket = '', prefix = ''] = found;
  if (bucket.includes('@'))
    return 'keys do not belong here: they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  if (!bucketName.test(bucket))
    return 'expected the name of a bucket after s3://: 3 to 63 small letters, digits, "." and "-"';
  const parts = trimSlashes(prefix).split('/');
  if (prefix !== '' && parts.some((part) => !/^[\w.-]+$/.test(part) || /^\.+$/.test(part)))
    return 'expected a prefix of letters, digits, ".", "_" and "-" between slashes';
  return prefix.length > 512 ? 'expected a prefix of at most 512 characters' : undefined;
}

/** @throws BlockForgeError `config-invalid` for what is neither `folder` nor `s3://bucket[/prefix]` */
export function parseStore(text: string): StorePlace {
  const problem = storeProblem(text);
  if (problem !== undefined) {
    fail({
      reason: 'config-invalid',
      subject: 'executor.store',
      found: problem.startsWith('keys') ? problem : `"${text}": ${problem}`,
      next: 'see docs/object-store.md',
    });
  }
  if (text === 'folder') return { kind: 'folder' };
  const [bucket = '', ...rest] = text.slice('s3://'.length).split('/');
  return { kind: 's3', bucket, prefix: trimSlashes(rest.join('/')) };
}

const trimSlashes = (text: string) => text.replace(/^\/+|\/+$/g, '');
