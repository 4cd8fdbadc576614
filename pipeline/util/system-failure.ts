import { BlockForgeError, fail, type Failure, type FailureReason } from './failure.ts';

/** A place that the user named, and the option that names another one. */
export interface NamedPlace {
  /** As it is typed: `--runs DIR`. */
  readonly option: string;
  /** Absolute. */
  readonly path: string;
}

interface Kind {
  readonly reason: FailureReason;
  readonly found: string;
  /** What helps beside another place. */
  readonly mend?: string;
}

const unusable = (found: string, mend?: string): Kind => ({
  reason: 'place-unusable',
  found,
  ...(mend !== undefined && { mend }),
});
const full = (found: string, mend: string): Kind => ({ reason: 'out-of-space', found, mend });

/** What the system may refuse, by the name of its error. What is not here is a bug. */
const kinds: Readonly<Record<string, Kind>> = {
  EACCES: unusable('this user may not use it', 'change its permissions'),
  EPERM: unusable('the system does not permit it', 'change its permissions'),
  EROFS: unusable('it lies on a file system that can only be read'),
  ENOENT: unusable('it is not there'),
  ENOTDIR: unusable('a part of its path is no folder'),
  EISDIR: unusable('it is a folder, not a file'),
  EEXIST: unusable('something else is there already'),
  ENOTEMPTY: unusable('something else is there already'),
  ENAMETOOLONG: unusable('its name is longer than the file system takes'),
  ELOOP: unusable('its symbolic links go in a circle'),
  EXDEV: unusable('it lies on another file system'),
  EBUSY: unusable('something else is using it', 'end what uses it'),
  ETXTBSY: unusable('something else is using it', 'end what uses it'),
  EINVAL: unusable('the file system does not take this name or this kind of access'),
  EILSEQ: unusable('the file system does not take this name'),
  ENOTSUP: unusable('the file system cannot do this'),
  EOPNOTSUPP: unusable('the file system cannot do this'),
  ENOSYS: unusable('the file system cannot do this'),
  ENXIO: unusable('it is a device or a socket, not a file'),
  ENODEV: unusable('it is a device or a socket, not a file'),
  ESPIPE: unusable('it is a pipe, not a file'),
  EIO: unusable('its disk does not answer', 'look after the disk'),
  ESTALE: unusable('its server has replaced it', 'mount it again'),
  ESHUTDOWN: unusable('its server does not answer', 'mount it again'),
  ETIMEDOUT: unusable('its server does not answer', 'mount it again'),
  ENOSPC: full('the disk is full; nothing half-written was left', 'free some space there'),
  EDQUOT: full('the quota of disk space is used up; nothing half-written was left', 'free some space there'),
  EFBIG: full(
    'a file would be larger than this process may write; nothing half-written was left',
    'raise the limit (ulimit -f unlimited)',
  ),
  EMFILE: full('this process has too many files open', 'raise the limit (ulimit -n 4096)'),
  ENFILE: full('the system has too many files open', 'end other programs'),
  ENOMEM: full('the system has no memory left', 'end other programs'),
  EAGAIN: full('the system starts no more processes', 'end other programs, or raise the limit (ulimit -u)'),
};

/** What is no matter of files: networks and processes. */
const elsewhere: ReadonlySet<string> = new Set([
  'connect',
  'getaddrinfo',
  'bind',
  'listen',
  'accept',
  'kill',
]);

const refusals: ReadonlySet<FailureReason> = new Set(['place-unusable', 'out-of-space']);

/**
 * What the system refused (no permission, a full disk, a file where a folder should be), in words.
 * @param places what the user named; the innermost one around the error's path says which option to change
 * @returns undefined for any other error: that is a bug
 */
export function systemFailure(error: unknown, places: readonly NamedPlace[] = []): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path, dest, syscall = '' } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes')) {
    return { reason: 'usage', subject: 'a path', found: 'holds a null byte, which no path can' };
  }
  const kind = Object.hasOwn(kinds, code) ? kinds[code] : undefined;
  if (kind === undefined || elsewhere.has(syscall)) return undefined;
  const place = placeAround(path ?? dest, places) ?? (path === undefined ? places[0] : undefined);
  const subject = path ?? dest ?? place?.path ?? 'a file';
  const another = place === undefined ? 'give another place' : `give another place with ${place.option}`;
  const next = kind.mend === undefined ? another : `${kind.mend}, or ${another}`;
  return { reason: kind.reason, subject, found: `${kind.found} (${code})`, next };
}

/**
 * Whatever stops the work, as an expected failure: one that was thrown as such, or what the system refused, worded for
 * the places that the user named.
 * @returns undefined for a bug
 */
export function failureOf(error: unknown, places: readonly NamedPlace[] = []): Failure | undefined {
  if (!(error instanceof BlockForgeError)) return systemFailure(error, places);
  const refused = refusals.has(error.failure.reason);
  return (refused ? systemFailure(error.cause, places) : undefined) ?? error.failure;
}

/**
 * What a failed write means to the user. Call it when the half-written file or folder is gone again.
 * @throws BlockForgeError `out-of-space` or `place-unusable`; what is no error of the system as it is
 */
export function refuseWrite(error: unknown, path: string): never {
  // Refused inside of what is gone again: that was about `path`.
  const isRefused = error instanceof BlockForgeError && refusals.has(error.failure.reason);
  const cause = isRefused && error.cause !== undefined ? error.cause : error;
  const refused = systemFailure(about(cause, path));
  if (refused === undefined) throw error;
  return fail(refused, cause);
}

/** The same error, about `path`: a failed write says nothing of its file, and a temporary one is nobody's business. */
export function about(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const { path: named, dest, code = '' } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const isOurs = (other: string | undefined) => other?.startsWith(`${path}.tmp-`) ?? false;
  // A copy names both its ends; what cannot be read or found is its source.
  const byDest = isOurs(dest) && !['ENOENT', 'EACCES', 'EPERM'].includes(code);
  return named === undefined || isOurs(named) || byDest ? Object.assign(error, { path }) : error;
}

function placeAround(path: string | undefined, places: readonly NamedPlace[]): NamedPlace | undefined {
  if (path === undefined) return undefined;
  const inside = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
  // A folder above it that cannot be entered or made is as much the place's.
  return [...places]
    .sort((a, b) => b.path.length - a.path.length)
    .find((place) => inside(path, place.path) || inside(place.path, path));
}
