import type { NamedArrays } from '../../model/safetensors.ts';
import { fusionKinds, type FusionHead } from './fusion-head.ts';

export interface FusionArrays {
  readonly tensors: NamedArrays;
  /** For the header of safetensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

export function fusionToArrays(_head: FusionHead): FusionArrays {
  throw new Error(`not yet ${fusionKinds.join()}`);
}

/**
 * The head that `fusionToArrays` was given, bit for bit. Trusts nothing of them.
 * @param path for messages
 * @throws BlockForgeError `file-invalid`
 */
export function fusionFromArrays(_arrays: FusionArrays, _path: string): FusionHead {
  throw new Error('not yet');
}
