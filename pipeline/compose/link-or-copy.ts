import { constants, copyFile, link, realpath } from 'node:fs/promises';

/**
 * The same file under a second name; a copy where there can be no such name (another file system, or one without hard
 * links). @returns which of the two it was
 */
export async function linkOrCopy(
  source: string,
  target: string,
  makeLink: typeof link = link,
): Promise<'linked' | 'copied'> {
  // A link to a symbolic link would be one more of those, pointing from somewhere else.
  const real = await realpath(source);
  try {
    await makeLink(real, target);
    return 'linked';
  } catch (error) {
    if (!cannotLink.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(real, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return 'copied';
  }
}

/** EPERM also where the system protects files of other owners, EMLINK where a file has all the names it may have. */
const cannotLink = new Set(['EXDEV', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
