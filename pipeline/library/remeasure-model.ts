import type { HostWeights } from '../model/host-weights.ts';
import {
  disposeFfn,
  uploadFfn,
  uploadTeacher,
  type FfnTensors,
  type VisionTransformer,
} from '../model/vit.ts';
import type { Library } from './open.ts';
import { readFrame } from './read-frame.ts';
import { toTorchFfn } from './weights.ts';

/** Models put together from a library's files, on the engine that is loaded. */
export interface UploadedLibrary {
  /** The frame with the teacher's own blocks. */
  readonly teacher: VisionTransformer;
  /** A descendant that was asked for. Not to be disposed. */
  ffn(id: string): FfnTensors;
  dispose(): void;
}

/**
 * Uploads the teacher and the descendants named, each once. Caller disposes.
 * @throws BlockForgeError `library-invalid`, `file-invalid`
 */
export async function uploadLibrary(library: Library, ids: Iterable<string>): Promise<UploadedLibrary> {
  const uploaded = new Map<string, FfnTensors>();
  const disposeAll = () => [...uploaded.values()].forEach(disposeFfn);
  const teacher = uploadTeacher(await readLibraryTeacher(library), library.manifest.teacher.architecture);
  try {
    for (const id of new Set(ids)) uploaded.set(id, uploadFfn(await library.readFfn(id)));
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

/**
 * The whole teacher by canonical name from the library's own files: the frame, and the first descendant of every block.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readLibraryTeacher(library: Library): Promise<HostWeights> {
  const weights = await readFrame(library);
  for (const { index, descendants } of library.manifest.blocks) {
    Object.assign(weights, toTorchFfn(await library.readFfn(descendants[0].id), index));
  }
  return weights;
}
