import { disposeFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { uploadTeacher, type TeacherTensors } from '../model/upload.ts';
import type { Library } from './open.ts';

/** Models put together from a library's files, on the engine that is loaded. */
export interface UploadedLibrary {
  /** The frame with the teacher's own blocks. */
  readonly teacher: TeacherTensors;
  /** A descendant that was asked for. Not to be disposed. */
  ffn(id: string): FfnTensors;
  dispose(): void;
}

/**
 * Uploads the teacher and the descendants named, each once. Caller disposes.
 * @param replaced weights in place of the library's, by the id of the descendant
 * @throws BlockForgeError `library-invalid`, `file-invalid`
 */
export async function uploadLibrary(
  library: Library,
  ids: Iterable<string>,
  replaced?: ReadonlyMap<string, FfnWeights>,
): Promise<UploadedLibrary> {
  const uploaded = new Map<string, FfnTensors>();
  const disposeAll = () => [...uploaded.values()].forEach(disposeFfn);
  const teacher = uploadTeacher(await library.readTeacher(), library.manifest.teacher.architecture);
  try {
    for (const id of new Set(ids))
      uploaded.set(id, uploadFfn(replaced?.get(id) ?? (await library.readFfn(id))));
  } catch (error) {
    disposeAll();
    teacher.dispose();
    throw error;
  }
  return {
    teacher,
    ffn(id) {
      const found = uploaded.get(id);
      if (found === undefined) throw new Error(`${id} was not uploaded`);
      return found;
    },
    dispose() {
      disposeAll();
      teacher.dispose();
    },
  };
}
