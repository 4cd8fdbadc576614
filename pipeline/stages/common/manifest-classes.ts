import type { Manifest } from '../../library/manifest.ts';
import type { JobContext } from '../../runner/contract.ts';
import { readJson } from '../../util/atomic.ts';
import { commonFiles, teacherCheckJob, type TeacherCheck } from './artefacts.ts';
import type { ModelClasses } from './classes.ts';

/** The classes as a manifest tells them, with the teacher's own top-1 where the model is a part of it. */
export type ClassFacts = Pick<ModelClasses, 'names' | 'folders' | 'subset'>;

export function classFacts({ names, folders, subset }: ModelClasses): ClassFacts {
  return { names, folders, subset };
}

/** Where the model is a part of a teacher, the job must read the `check` of `teacherCheckJob`. */
export async function manifestClasses(
  context: JobContext,
  { names, folders, subset }: ClassFacts,
): Promise<Pick<Manifest['teacher'], 'classNames' | 'classFolders' | 'subset'>> {
  const same = names.every((name, index) => name === folders[index]);
  const classes = { classNames: [...names], ...(!same && { classFolders: [...folders] }) };
  if (subset === null) return classes;
  const check = await readJson<TeacherCheck>(context.input(teacherCheckJob, commonFiles.check));
  if (check.unrestrictedTop1 === undefined) throw new Error('no top-1 among all classes');
  return {
    ...classes,
    subset: { of: subset.of, indices: [...subset.indices], unrestrictedTop1Percent: check.unrestrictedTop1 },
  };
}
