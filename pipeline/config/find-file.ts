import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fail } from '../util/failure.ts';
import { nearest } from './nearest.ts';
import { displayPath } from './problem.ts';

const endings = ['', '.yaml', '.yml'];

/**
 * The config file meant by `nameOrPath`. A path is taken as it is; a bare name is looked up in `cwd` and then in
 * `searchFolder`. The ending `.yaml` may be left out.
 *
 * @returns an absolute path
 * @throws BlockForgeError `file-missing` with what exists and the nearest name
 */
export function findConfigFile(nameOrPath: string, cwd: string, searchFolder: string): string {
  const isBareName = basename(nameOrPath) === nameOrPath;
  const folders = isBareName ? [cwd, searchFolder] : [cwd];
  for (const folder of folders) {
    for (const ending of endings) {
      const path = resolve(folder, nameOrPath + ending);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
    }
  }
  const there = resolve(cwd, nameOrPath);
  const other = statSync(there, { throwIfNoEntry: false });
  if (other !== undefined) {
    const found = other.isDirectory() ? 'a folder' : 'a pipe, a socket or a device';
    fail({ reason: 'file-invalid', subject: nameOrPath, found, expected: 'a YAML file' });
  }
  const listed = isBareName ? [...new Set(folders)] : [dirname(resolve(cwd, nameOrPath))];
  const found = listed.map((folder) => ({ folder, names: yamlFiles(folder) }));
  const names = found.flatMap((entry) => entry.names);
  const stems = names.map((name) => name.replace(/\.ya?ml$/, ''));
  const near = nearest(basename(nameOrPath).replace(/\.ya?ml$/, ''), stems);
  const shown = listed.map((folder) => displayPath(folder, cwd)).join(' or ');
  return fail({
    reason: 'file-missing',
    subject: nameOrPath,
    found: `no such config in ${shown}`,
    expected:
      names.length === 0
        ? 'a YAML file; there is none there'
        : found
            .filter((entry) => entry.names.length > 0)
            .map((entry) => `${entry.names.join(', ')} (in ${displayPath(entry.folder, cwd)})`)
            .join('; '),
    ...(near === undefined ? {} : { next: `did you mean ${names[stems.indexOf(near)]}?` }),
  });
}

function yamlFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
  } catch {
    return []; // The folder itself is missing or closed: the message says that nothing was found there.
  }
}
