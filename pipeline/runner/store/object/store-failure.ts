import { BlockForgeError, type Failure } from '../../../util/failure.ts';
import type { JobFailure } from '../../job-failure.ts';

/** An object is not there, or is not what its name says. The job is to be tried again: whoever has the file sends it anew. */
export class ObjectMissing extends Error {
  override name = 'ObjectMissing';
}

/** What a server, or the way to it, may say that a user has to mend, by the name of the error. */
const lasting: Readonly<Record<string, Pick<Failure, 'found' | 'next'>>> = {
  CredentialsProviderError: {
    found: 'there are no keys for it',
    next: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role',
  },
  InvalidAccessKeyId: { found: 'the server does not know the key', next: 'look after AWS_ACCESS_KEY_ID' },
  SignatureDoesNotMatch: {
    found: 'the server does not accept the secret key',
    next: 'look after AWS_SECRET_ACCESS_KEY',
  },
  ExpiredToken: { found: 'the keys have expired', next: 'get new ones' },
  AccessDenied: {
    found: 'the server does not allow it',
    next: 'allow s3:ListBucket, GetObject, PutObject, DeleteObject and AbortMultipartUpload for this key',
  },
  NoSuchBucket: { found: 'there is no such bucket', next: 'create it, or name another in executor.store' },
  PermanentRedirect: { found: 'the bucket lies in another region', next: 'set AWS_REGION' },
  AuthorizationHeaderMalformed: { found: 'the server has another region', next: 'set AWS_REGION' },
  EntityTooLarge: {
    found: 'a file is larger than the server takes',
    next: 'raise its limit, or use a shared folder',
  },
  NotImplemented: {
    found: 'the server cannot do what is asked of it',
    next: 'use another server, or a shared folder',
  },
  InvalidStorageClass: { found: 'the server refuses the request', next: 'read its log' },
};

const byStatus: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  403: 'AccessDenied',
  501: 'NotImplemented',
};

/** Of connections that end, and of servers that have to recover. */
const passingCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ERR_STREAM_PREMATURE_CLOSE'],
]);
const passingNames: ReadonlySet<string> = new Set([
  ...[
    'TimeoutError',
    'RequestTimeout',
    'SlowDown',
    'InternalError',
    'ServiceUnavailable',
    'RequestTimeTooSkewed',
  ],
  ...['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody', 'NoSuchUpload', 'OperationAborted'],
]);

interface ServerError extends NodeJS.ErrnoException {
  readonly $metadata?: { readonly httpStatusCode?: number | undefined } | undefined;
}

/** Whether another try may help. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code = '', $metadata } = error as ServerError;
  if (lastingOf(error) !== undefined) return false;
  const status = $metadata?.httpStatusCode ?? 0;
  return (
    passingCodes.has(code) ||
    passingNames.has(name) ||
    status >= 500 ||
    status === 429 ||
    status === 408 ||
    // A connection that ended inside an answer.
    (error.message === 'aborted' && code === '') ||
    isUnreadable(error)
  );
}

/**
 * What a store could not do, as a job's failure.
 * @param place `s3://bucket/prefix`: no key and no secret is told
 * @returns undefined for what is no matter of the store: a disk of this machine, a bug
 */
export function storeFailure(error: unknown, place: string): JobFailure | undefined {
  if (error instanceof ObjectMissing) {
    const next = 'it is sent again with the next try';
    return {
      failure: { reason: 'place-unusable', subject: place, found: error.message, next },
      passing: true,
    };
  }
  if (!(error instanceof Error) || error instanceof BlockForgeError) return undefined;
  const known = lastingOf(error);
  if (known !== undefined) return { failure: { reason: 'place-unusable', subject: place, ...known } };
  const { code, name, $metadata } = error as ServerError;
  if (!mayPass(error) && $metadata === undefined) return undefined;
  const status = $metadata?.httpStatusCode;
  const how = code ?? (status === undefined ? name : `${name}, status ${status}`);
  const skewed = name === 'RequestTimeTooSkewed';
  return {
    failure: {
      reason: 'place-unusable',
      subject: place,
      found: `the object store does not answer as it should (${how})`,
      next: skewed
        ? 'set the clock of this machine'
        : 'look after the server, and AWS_ENDPOINT_URL_S3; the same command goes on',
    },
    passing: mayPass(error),
  };
}

function lastingOf(error: Error): Pick<Failure, 'found' | 'next'> | undefined {
  const { name, $metadata } = error as ServerError;
  const named = Object.hasOwn(lasting, name) ? lasting[name] : undefined;
  if (named !== undefined || $metadata?.httpStatusCode === undefined) return named;
  const key = passingNames.has(name) ? undefined : byStatus[$metadata.httpStatusCode];
  return key === undefined ? undefined : lasting[key];
}

/** Something between here and the server answered in its place, in HTML for instance. */
function isUnreadable(error: Error): boolean {
  return error instanceof SyntaxError && '$response' in error;
}
