import type { Config } from '../../config/schema.ts';
import { contextsOf, type Context } from '../../measure/contexts.ts';
import { fail } from '../../util/failure.ts';

export interface Descent {
  /** Share of hidden units removed, as configured. */
  readonly sparsity: number;
  /** Hidden units kept: a multiple of `descendants.widthMultiple`. */
  readonly width: number;
}

/**
 * The descendants' widths for blocks of `hidden` units, widest first.
 * @throws BlockForgeError `config-invalid` when rounding makes two sparsities the same width or keeps everything.
 */
export function descents(config: Config, hidden: number): Descent[] {
  const { sparsities, widthMultiple } = config.descendants;
  const result = [...sparsities]
    .sort((a, b) => a - b)
    .map((sparsity) => ({
      sparsity,
      width: Math.max(widthMultiple, Math.round((hidden * (1 - sparsity)) / widthMultiple) * widthMultiple),
    }));
  for (const [index, { sparsity, width }] of result.entries()) {
    const clash =
      width >= hidden ? 'the whole block' : width === result[index - 1]?.width ? 'its neighbour' : null;
    if (clash === null) continue;
    fail({
      reason: 'config-invalid',
      subject: 'descendants',
      found: `sparsity ${sparsity} of ${hidden} hidden units rounds to width ${width}, the same as ${clash}`,
      expected: `widths that differ after rounding to a multiple of ${widthMultiple}`,
      next: 'space the sparsities wider or set a smaller descendants.widthMultiple',
    });
  }
  return result;
}

/** Every width of a block, the teacher's first, then its descendants' from the widest. */
export function blockWidths(config: Config, hidden: number): number[] {
  return [hidden, ...descents(config, hidden).map(({ width }) => width)];
}

export function measuredContexts(config: Config, hidden: number): Context[] {
  return contextsOf(config.measure.contexts, blockWidths(config, hidden));
}
