import { readJudge } from '../measure/index-file.ts';
import { classJudge, type Judge } from '../measure/judge.ts';
import type { Library } from './open.ts';

/** What a library's models are scored by, as they were in its run. An engine must be loaded; the caller disposes it. */
export function libraryJudge({ manifest, files }: Library): Promise<Judge> {
  const { architecture, measure } = manifest.teacher;
  return measure === undefined
    ? Promise.resolve(classJudge(architecture.classes))
    : files.read(measure.index, readJudge);
}
