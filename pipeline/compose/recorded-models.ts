import type { Library } from '../library/open.ts';
import type { MeasuredModel } from './model-manifest.ts';
import { resources, type ComposeSpace, type Composition, type Limits } from './space.ts';

/** A whole model that the library's run measured on the selection split. */
export interface RecordedModel {
  /** e.g. "uniform 0.5" */
  readonly name: string;
  readonly composition: Composition;
  readonly measured: MeasuredModel;
}

/**
 * Of the whole models that the library knows the scores of and that keep to the limits, the one that diverges least from the teacher, where
 * that is less than a measured one does. Blocks were fitted behind blocks of their own width, which no sum over single blocks sees: at the same size a uniform model may
 * be nearer than the one predicted to be best.
 * @param limits of one resource or more; of the loss, what was measured counts
 */
export function nearestRecorded(
  { manifest }: Library,
  { blocks, compositionOf }: ComposeSpace,
  limits: Limits,
  { than, kl }: { readonly than: Composition; readonly kl: number },
): RecordedModel | undefined {
  if (resources.every((name) => limits[name] === undefined)) return undefined;
  const recorded = [
    ...manifest.uniform.map(({ sparsity, descendants, refit, distilled }) => ({
      name: `uniform ${sparsity}`,
      descendants,
      scores: distilled ?? refit,
    })),
    ...(manifest.allocated ?? []).map(({ sparsity, descendants, scores }) => ({
      name: `allocated ${sparsity}`,
      descendants,
      scores,
    })),
  ].map(({ name, descendants, scores }): RecordedModel => ({
    name,
    composition: compositionOf(
      descendants.map((id, block) => blocks[block]!.findIndex((item) => item.id === id)),
    ),
    measured: { split: 'selection', ...scores },
  }));
  return recorded
    .filter(({ composition }) =>
      resources.every((name) => (composition[name] ?? 0) <= (limits[name] ?? Infinity)),
    )
    .filter(({ measured }) => -measured.top1DeltaPp.mean <= (limits.maxDropPp ?? Infinity))
    .filter(({ composition, measured }) => measured.kl < kl && !isSame(composition, than))
    .sort((a, b) => a.measured.kl - b.measured.kl)
    .at(0);
}

const isSame = (a: Composition, b: Composition) => a.descendants.join() === b.descendants.join();
