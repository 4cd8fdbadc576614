import { chooseCompositions } from '../../compose/choose.ts';
import { limitOptions, parseDrop, parseLimit, type LimitOption } from '../../compose/limits.ts';
import { resolveLimits } from '../../compose/resolve-limits.ts';
import type { ComposeSpace, Composition, Limits } from '../../compose/space.ts';
import { whyNothingFits } from '../../compose/why-nothing-fits.ts';
import { BlockForgeError } from '../../util/failure.ts';

export const budgetOptions = [...limitOptions, 'max-drop'] as const;
export type BudgetOption = LimitOption | 'max-drop';

/** Limits as words of the command line: `{ params: '60%', 'max-drop': '1.5pp' }`. */
export type Budget = Partial<Readonly<Record<BudgetOption, string | undefined>>>;

export type BudgetAnswer =
  | { readonly kind: 'nothing-asked' }
  /** What was typed is no limit. */
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'nothing-fits';
      readonly asked: string;
      readonly why: string;
      readonly ways: readonly string[];
    }
  | {
      readonly kind: 'fits';
      readonly limits: Limits;
      readonly composition: Composition;
      /** Hidden units, by block. */
      readonly widths: readonly number[];
    };

/** The model of nothing but the teacher's own blocks: what shares are of. */
export function teacherOf({ blocks, compositionOf }: ComposeSpace): Composition {
  return compositionOf(blocks.map(() => 0));
}

/** What `compose` answers to the same words: its own reading of them, and its own choice. */
export function chooseFor(space: ComposeSpace, budget: Budget): BudgetAnswer {
  if (budgetOptions.every((option) => budget[option] === undefined)) return { kind: 'nothing-asked' };
  try {
    const teacher = teacherOf(space);
    const drop = budget['max-drop'];
    const limits = resolveLimits(
      {
        limits: Object.fromEntries(
          limitOptions.flatMap((option) => {
            const text = budget[option];
            return text === undefined ? [] : [[option, parseLimit(option, text)]];
          }),
        ),
        maxDropPp: drop === undefined ? undefined : parseDrop(drop),
      },
      teacher,
    );
    const found = chooseCompositions(space, limits);
    if ('binding' in found)
      return { kind: 'nothing-fits', ...whyNothingFits(found, limits, teacher, space.loss.of) };
    const composition = found[0]!;
    const widths = composition.descendants.map(
      (id, block) => space.blocks[block]!.find((item) => item.id === id)?.width ?? NaN,
    );
    return { kind: 'fits', limits, composition, widths };
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    const { subject, found, expected } = error.failure;
    return {
      kind: 'refused',
      why: `${subject}: ${found}${expected === undefined ? '' : `; expected ${expected}`}`,
    };
  }
}
