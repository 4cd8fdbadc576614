import { blockName, widthName } from '../model/architecture.ts';
import { widthIn, type Level } from './level.ts';

/** What the *other* blocks are while a descendant is measured (the three environments of LegoDNN's block profiler). */
export const contextNames = ['teacher', 'middle', 'sparsest'] as const;
export type ContextName = (typeof contextNames)[number];

/** The level is that of every other block. A type, so that it is JSON. */
export type Context = Level & { readonly name: ContextName };

/**
 * The contexts to measure in. `teacher` is always among them: it is what every divergence is taken from. One that
 * would coincide with an earlier one (with a single descendant per block, the middle is the teacher) is left out.
 *
 * @param levels the teacher's, then those of the descendants, widest first. The middle is that of index floor((n - 1) / 2)
 */
export function contextsOf(names: readonly ContextName[], levels: readonly Level[]): Context[] {
  const levelOf = {
    teacher: levels[0]!,
    middle: levels[Math.floor((levels.length - 1) / 2)]!,
    sparsest: levels[levels.length - 1]!,
  };
  return contextNames
    .filter((name) => name === 'teacher' || names.includes(name))
    .map((name) => {
      const { width, widths } = levelOf[name];
      return { name, width, ...(widths && { widths }) };
    })
    .filter(({ width }, index, all) => all.findIndex((other) => other.width === width) === index);
}

/**
 * The id, in score files, of a context's model with block `block` at `width`. At the context's own width that is the
 * context's model itself, which is scored once.
 */
export function scoreId(context: Context, block: number, width: number): string {
  const { name } = context;
  if (width === widthIn(context, block)) return name;
  const id = `${blockName(block)}/${widthName(width)}`;
  return name === 'teacher' ? id : `${name}/${id}`;
}
