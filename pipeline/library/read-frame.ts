import { requireFinite } from '../model/finite.ts';
import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { openSafetensors } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import type { Library } from './open.ts';

/**
 * The teacher without its FFN blocks, by canonical name.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readFrame(library: Library): Promise<HostWeights> {
  const weights: HostWeights = {};
  const path = library.pathOf(library.manifest.frame);
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
      weights[name] = { shape, data: requireFinite(await frame.read(name), path, name) };
    }
  } finally {
    await frame.close();
  }
  return weights;
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes({ manifest }: Pick<Library, 'manifest'>): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(manifest.teacher.architecture));
  return Object.fromEntries(all.filter(([name]) => !name.includes('.mlp.')));
}
