import type { EngineChoice } from '../tensor/engine.ts';
import type { Library } from '../library/open.ts';
import type { MeasureSource } from '../library/images.ts';
import type { MeasuredModel, ModelManifest } from './model-manifest.ts';
import type { Refitted } from './own-weights.ts';
import type { ComposeSpace, Composition, Limits } from './space.ts';

export interface MeasureOptions {
  readonly engine?: EngineChoice | undefined;
  /** Blocks with other weights than the library's. */
  readonly refitted?: Refitted | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  readonly onProgress?: ((progress: { readonly fraction: number }) => void) | undefined;
}

/**
 * A composition on the images that the library was selected by, paired against the teacher. Loads an engine.
 * @throws BlockForgeError as `remeasure` does
 */
export async function measureComposition(
  library: Library,
  source: MeasureSource,
  { descendants }: Composition,
  { refitted, ...options }: MeasureOptions = {},
): Promise<MeasuredModel> {
  const { remeasure } = await import('../library/remeasure.ts');
  const { models } = await remeasure(library, source, [descendants], {
    ...options,
    replaced: refitted?.weights,
    split: 'selection',
  });
  return { split: 'selection', ...models[0]!.measured };
}

/** Whether the predicted loss is one that the measurement leaves possible. */
export function isInside(
  { predictedDropPp }: Composition,
  { top1DeltaPp: { low, high } }: MeasuredModel,
): boolean {
  return low <= -predictedDropPp && -predictedDropPp <= high;
}

/**
 * Writes a composition as a model folder with what was asked, predicted and measured.
 * @param space that it was chosen from
 * @throws BlockForgeError as `writeModel` does
 */
export async function writeComposition(
  library: Library,
  { loss: { by }, latency, costOf }: ComposeSpace,
  { descendants, predictedDropPp, latencyMs }: Composition,
  folder: string,
  {
    limits: { maxDropPp, ...resources },
    measured,
    refitted,
  }: {
    readonly limits: Limits;
    readonly measured?: MeasuredModel | undefined;
    readonly refitted?: Refitted | undefined;
  },
): Promise<ModelManifest> {
  const { writeModel } = await import('./write-model.ts');
  return writeModel(library, descendants, folder, {
    limits: { ...resources, ...(maxDropPp !== undefined && { top1LossPp: maxDropPp }) },
    predicted: {
      by,
      top1LossPp: predictedDropPp,
      ...(by === 'predictor' && { klIncrease: costOf(descendants) }),
      // Of the whole model or not at all: that of its blocks alone would be taken for it.
      ...(latency?.isWhole === true && latencyMs !== null && { latencyMs }),
    },
    measured,
    refitted,
  });
}
