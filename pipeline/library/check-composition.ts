import { fail } from '../util/failure.ts';
import type { Library } from './open.ts';

/** @throws BlockForgeError `library-invalid` for what is not one descendant of this library for every block, in block order */
export function checkComposition(library: Library, ids: readonly string[]): void {
  const { depth } = library.manifest.teacher.architecture;
  const wrong = ids.findIndex((id, block) => library.blockOf(id) !== block);
  if (ids.length === depth && wrong < 0) return;
  fail({
    reason: 'library-invalid',
    subject: `a composition of ${library.folder}`,
    found: wrong < 0 ? `${ids.length} descendants` : `${ids[wrong]} in block ${wrong}`,
    expected: `one descendant of each of its ${depth} blocks, in block order`,
  });
}
