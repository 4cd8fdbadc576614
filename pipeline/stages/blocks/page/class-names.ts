import type { Manifest } from '../../../library/manifest.ts';

/** What people call a class, by its place among the data's. */
export function classNamer({ teacher }: Manifest): (place: number) => string {
  const names = teacher.classNames ?? teacher.classFolders;
  return (place) => names?.[place] ?? `class ${place}`;
}
