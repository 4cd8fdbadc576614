import { formatAmount, resourceTitles } from './amounts.ts';
import type { NoComposition } from './choose.ts';
import { resources, type Composition, type Limits, type Resource } from './space.ts';

/** In words. */
export interface WhyNothingFits {
  /** What was asked for: "params <= 3,100,000, latency <= 8.000 ms". */
  readonly asked: string;
  /** Which limits bind. */
  readonly why: string;
  /** What there is instead; may be nothing. */
  readonly ways: readonly string[];
}

/**
 * @param teacher what shares are of
 * @param of what may be lost: "top-1", "k-NN top-1"
 */
export function whyNothingFits(
  { unattainable, binding, withinResources, nearest }: NoComposition,
  limits: Limits,
  teacher: Composition,
  of: string,
): WhyNothingFits {
  const titleOf = (name: Resource | 'maxDropPp') =>
    name === 'maxDropPp' ? `predicted drop of ${of}` : resourceTitles[name];
  const describeComposition = (composition: Composition) =>
    [
      ...resources.flatMap((name) =>
        limits[name] === undefined ? [] : [`${titleOf(name)} ${amountOf(name, composition[name]!)}`],
      ),
      `${titleOf('maxDropPp')} ${composition.predictedDropPp.toFixed(2)} pp`,
    ].join(', ');
  const given = [...resources, 'maxDropPp' as const].filter((name) => limits[name] !== undefined);
  const why =
    unattainable.length > 0
      ? unattainable
          .map(
            ({ limit, least }) =>
              `${titleOf(limit)} is ${amountOf(limit, least)} at least ` +
              `(${((100 * least) / teacher[limit]!).toFixed(1)} % of the teacher's)`,
          )
          .join('; ')
      : given.length === 1
        ? 'no composition keeps to it'
        : `no composition keeps to all of them; ${bindingText(binding.map(titleOf), given.map(titleOf))}`;
  return {
    asked: given.map((name) => `${titleOf(name)} <= ${amountOf(name, limits[name]!)}`).join(', '),
    why,
    ways: [
      ...(nearest === null
        ? []
        : [
            `nearest, with ${limits.maxDropPp === undefined ? 'the limits' : 'limits on resources'} raised by ` +
              `${(100 * nearest.excess).toFixed(2)} %: ${describeComposition(nearest.composition)}`,
          ]),
      ...(withinResources === null || limits.maxDropPp === undefined
        ? []
        : [`without --max-drop: ${describeComposition(withinResources)}`]),
    ],
  };
}

function bindingText(binding: readonly string[], given: readonly string[]): string {
  if (binding.length === 0) return 'each can be met alone, and raising any single one is not enough';
  if (binding.length === given.length) return 'each can be met alone, and each binds';
  return `what binds: ${binding.join(', ')}`;
}

function amountOf(name: Resource | 'maxDropPp', value: number): string {
  return name === 'maxDropPp' ? `${value} pp` : formatAmount(name, value);
}
