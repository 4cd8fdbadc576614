import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { openSafetensors } from '../model/safetensors.ts';
import {
  disposeFfn,
  uploadFfn,
  uploadTeacher,
  type FfnTensors,
  type VisionTransformer,
} from '../model/vit.ts';
import { fail } from '../util/failure.ts';
import type { Library } from './open.ts';
import { toTorchFfn } from './torch-layout.ts';

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
  const { manifest } = library;
  const weights: HostWeights = {};
  const path = library.pathOf(manifest.frame);
  const frame = await openSafetensors(path);
  try {
    for (const [name, shape] of Object.entries(frameShapes(library))) {
      const found = frame.info(name).shape;
      if (found.length !== shape.length || found.some((extent, axis) => extent !== shape[axis])) {
        fail({
          reason: 'library-invalid',
          subject: `${path}, tensor ${name}`,
          found: `shape [${found.join(', ')}]`,
          expected: `[${shape.join(', ')}], as the manifest's architecture has it`,
        });
      }
      weights[name] = { shape, data: await frame.read(name) };
    }
  } finally {
    await frame.close();
  }
  for (const { index, descendants } of manifest.blocks) {
    Object.assign(weights, toTorchFfn(await library.readFfn(descendants[0].id), index));
  }
  return weights;
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes({ manifest }: Pick<Library, 'manifest'>): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(manifest.teacher.architecture));
  return Object.fromEntries(all.filter(([name]) => !name.includes('.mlp.')));
}
