import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '../util/failure.ts';
import type { DocumentKind } from './document.ts';
import { manifestSchema, schemaVersion, type Manifest } from './manifest.ts';

/** `manifest.json` as it is read: see `inspectDocument`. */
export const manifestKind: DocumentKind<Manifest> = {
  kind: 'blockforge-library',
  title: 'library manifest',
  version: schemaVersion,
  schema: manifestSchema,
  next: 'copy the library again, or export it again',
  reason: 'library-invalid',
};

/**
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function findManifest(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return fail({
      reason: 'file-missing',
      subject: path,
      found: 'no such file or folder',
      next: 'give the library folder, its manifest.json, or the run folder (runs/<name>)',
    });
  }
  if (found.isFile()) {
    if (basename(path).endsWith('.json')) return path;
    return fail({
      reason: 'library-invalid',
      subject: path,
      found: 'not a manifest',
      expected: 'a library folder or its manifest.json',
    });
  }
  for (const candidate of [join(path, 'manifest.json'), join(path, 'library', 'manifest.json')]) {
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: 'a folder without manifest.json or library/manifest.json',
    expected: 'a library folder, or a run folder whose export has finished',
    next: 'if this is a run, give its pipeline command again: it resumes',
  });
}
