import { withSafetensors, writeSafetensors, type NamedArrays } from '../../../model/safetensors.ts';
import { fusionFromArrays, fusionToArrays } from '../../../submodels/fusion/fusion-arrays.ts';
import type { FusionHead } from '../../../submodels/fusion/fusion-head.ts';

export async function writeFusion(path: string, head: FusionHead): Promise<void> {
  const { tensors, metadata } = fusionToArrays(head);
  await writeSafetensors(path, tensors, metadata);
}

export function readFusion(path: string): Promise<FusionHead> {
  return withSafetensors(path, async (file) => {
    const tensors: NamedArrays = {};
    for (const name of file.names) {
      tensors[name] = { shape: file.info(name).shape, data: await file.readTyped(name) };
    }
    return fusionFromArrays({ tensors, metadata: file.metadata }, path);
  });
}
