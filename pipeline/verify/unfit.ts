import { readdir, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectDocument, readBoundedJson } from '../library/document.ts';
import type { Library } from '../library/open.ts';
import { compositionFile } from '../compose/open-model.ts';
import { modelKind } from '../compose/model-manifest.ts';
import type { Unfit } from '../runner/user-files.ts';
import { isRecord } from '../util/foreign-value.ts';
import { ownerProblems } from './model.ts';

/**
 * What lies in `models/` and `profiles/` of an earlier export and says that it does not belong to the new one: models of
 * weights that are not in it, profiles of another manifest. What cannot be read says nothing and stays; `verify` names it.
 * @param place the folder that the new library will be published in
 */
export async function findUnfit(place: string, library: Library): Promise<Unfit[]> {
  const unfit: Unfit[] = [];
  for (const name of await namesIn(place, 'models')) {
    const read = await inspectDocument(join(place, 'models', name, compositionFile), modelKind);
    const [problem] = 'value' in read ? ownerProblems(library, read.value) : [];
    if (problem !== undefined) unfit.push({ path: `models/${name}`, why: problem.found });
  }
  for (const name of await namesIn(place, 'profiles')) {
    const read = name.endsWith('.json') ? await readBoundedJson(join(place, 'profiles', name)) : undefined;
    const value = read !== undefined && 'value' in read ? read.value : undefined;
    const owner = isRecord(value) ? value.manifestSha256 : undefined;
    if (typeof owner === 'string' && owner !== library.manifestSha256)
      unfit.push({ path: `profiles/${name}`, why: 'it was measured for an export with another manifest' });
  }
  return unfit;
}

/** A folder that is a link belongs to somewhere else. */
async function namesIn(place: string, name: string): Promise<string[]> {
  const folder = join(place, name);
  if (!(await lstat(folder).catch(() => undefined))?.isDirectory()) return [];
  return (await readdir(folder)).sort();
}
