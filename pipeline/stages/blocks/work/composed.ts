import { teacherFfn, type FfnTensors, type ModelTensors } from '../../../model/vit.ts';
import type { Composition } from './compositions.ts';
import type { UploadedDescendants } from './whole-models.ts';

/** Compositions as whole models for a sweep. */
export function composed(
  model: ModelTensors,
  library: UploadedDescendants,
  compositions: readonly Composition[],
): { id: string; ffn: (block: number) => FfnTensors }[] {
  return compositions.map(({ id, widths }) => ({
    id,
    ffn: (block) => library.ffn(block, widths[block]) ?? teacherFfn(model, block),
  }));
}
