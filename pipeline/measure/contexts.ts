import { blockName, widthName } from '../model/architecture.ts';

/** What the *other* blocks are while a descendant is measured (the three environments of LegoDNN's block profiler). */
export const contextNames = ['teacher', 'middle', 'sparsest'] as const;
export type ContextName = (typeof contextNames)[number];

export interface Context {
  readonly name: ContextName;
  /** Hidden units of every other block. */
  readonly width: number;
}

/**
 * The contexts to measure in. `teacher` is always among them: it is what every divergence is taken from. One that
 * would coincide with an earlier one (with a single descendant per block, the middle is the teacher) is left out.
 *
 * @param widths of a block: the teacher's, then its descendants', widest first. The middle is that of index floor((n - 1) / 2)
 */
export function contextsOf(names: readonly ContextName[], widths: readonly number[]): Context[] {
  const widthOf = {
    teacher: widths[0]!,
    middle: widths[Math.floor((widths.length - 1) / 2)]!,
    sparsest: widths[widths.length - 1]!,
  };
  return contextNames
    .filter((name) => name === 'teacher' || names.includes(name))
    .map((name) => ({ name, width: widthOf[name] }))
    .filter(({ width }, index, all) => all.findIndex((other) => other.width === width) === index);
}

/**
 * The id, in score files, of a context's model with block `block` at `width`. At the context's own width that is the
 * context's model itself, which is scored once.
 */
export function scoreId({ name, width: own }: Context, block: number, width: number): string {
  if (width === own) return name;
  const id = `${blockName(block)}/${widthName(width)}`;
  return name === 'teacher' ? id : `${name}/${id}`;
}
