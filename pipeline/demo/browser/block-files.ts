import { ffnExtents } from '../../model/architecture.ts';
import { takeShaped } from '../../library/take-shaped.ts';
import { torchFfnShapes } from '../../library/weight-shapes.ts';
import { readFloats } from '../../model/safetensors-floats.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import type { DemoDocument } from '../demo-document.ts';
import { fetchFile } from './fetch-file.ts';

/** The library's blocks, fetched when they are first needed. */
export interface BlockFiles {
  /** @returns bytes that had to be fetched @throws BlockForgeError `download-failed`, `library-invalid`, `file-invalid` */
  have(ids: readonly string[]): Promise<number>;
  /** Of a block that `have` has fetched. */
  read(block: number, id: string): { readonly tensors: HostWeights; readonly sizeBytes: number };
}

/** Kept beside what the engine holds, so that going back needs no file; the browser's own cache has the rest. */
const keptBytes = 256e6;

export function blockFiles({ blocks, architecture }: DemoDocument, base: string): BlockFiles {
  const places = new Map(
    blocks.flatMap(({ descendants }, block) =>
      descendants.map((descendant) => [descendant.id, { block, ...descendant }] as const),
    ),
  );
  /** In the order of their last use. */
  const kept = new Map<string, HostWeights>();
  const find = (id: string) => {
    const found = places.get(id);
    if (found === undefined) throw new Error(`no descendant ${id}`);
    return found;
  };
  const fetchOne = async (id: string): Promise<number> => {
    const { block, width: hidden, file } = find(id);
    const bytes = await fetchFile(file, base);
    const shapes = torchFfnShapes(block, ffnExtents(architecture, block, hidden));
    kept.set(id, takeShaped(readFloats(bytes, file.path), shapes, file.path));
    return file.sizeBytes;
  };
  const forget = (needed: ReadonlySet<string>) => {
    let total = [...kept.keys()].reduce((sum, id) => sum + find(id).file.sizeBytes, 0);
    for (const id of [...kept.keys()]) {
      if (total <= keptBytes) return;
      if (needed.has(id)) continue;
      kept.delete(id);
      total -= find(id).file.sizeBytes;
    }
  };
  return {
    async have(ids) {
      const fetched = await Promise.all(ids.filter((id) => !kept.has(id)).map(fetchOne));
      forget(new Set(ids));
      return fetched.reduce((sum, bytes) => sum + bytes, 0);
    },
    read(block, id) {
      const tensors = kept.get(id);
      const { block: own, file } = find(id);
      if (tensors === undefined || own !== block) throw new Error(`${id} is not there for block ${block}`);
      kept.delete(id);
      kept.set(id, tensors);
      return { tensors, sizeBytes: file.sizeBytes };
    },
  };
}
