import type { Architecture } from '../model/architecture.ts';
import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { openSafetensors } from '../model/safetensors.ts';
import type { Library } from './open.ts';
import { shapedTensors } from './shaped-tensors.ts';

/**
 * The teacher without its FFN blocks, by canonical name.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readFrame(library: Library): Promise<HostWeights> {
  const { frame, teacher } = library.manifest;
  return readFrameFile(library.pathOf(frame), teacher.architecture);
}

/** As `readFrame`, of a file. */
export async function readFrameFile(path: string, architecture: Architecture): Promise<HostWeights> {
  const weights: HostWeights = {};
  const frame = await openSafetensors(path);
  try {
    for await (const [name, tensor] of shapedTensors(frame, frameShapes(architecture)))
      weights[name] = tensor;
  } finally {
    await frame.close();
  }
  return weights;
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes(architecture: Architecture): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(architecture));
  return Object.fromEntries(all.filter(([name]) => !name.includes('.mlp.')));
}
