import type { LatencyModel } from '../../profile/latency.ts';
import type { NoComposition } from '../../compose/choose.ts';
import { resources, type Limits, type Composition, type Resource } from '../../compose/space.ts';
import type { Library } from '../../library/open.ts';
import { fail } from '../../util/failure.ts';
import { formatAmount, resourceTitles } from './render.ts';

interface Asked {
  readonly library: Library;
  readonly limits: Limits;
  readonly latency: LatencyModel;
  readonly teacher: Composition;
}

/** Says which limits bind and what comes nearest. @throws BlockForgeError `usage` */
export function refuseLimits(
  { unattainable, binding, withinResources, nearest }: NoComposition,
  { library, limits, latency, teacher }: Asked,
): never {
  const given = [...resources, 'maxDropPp' as const].filter((name) => limits[name] !== undefined);
  const named = given.map((name) => `${titleOf(name)} <= ${amountOf(name, limits[name]!)}`);
  const found =
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
  const ways = [
    ...(nearest === null
      ? []
      : [
          `nearest, with ${limits.maxDropPp === undefined ? 'the limits' : 'limits on resources'} raised by ` +
            `${(100 * nearest.excess).toFixed(2)} %: ${describeComposition(nearest.composition, limits)}`,
        ]),
    ...(withinResources === null || limits.maxDropPp === undefined
      ? []
      : [`without --max-drop: ${describeComposition(withinResources, limits)}`]),
  ];
  fail({
    reason: 'usage',
    subject: named.join(', '),
    found: `nothing in ${library.folder} fits: ${found}`,
    expected:
      limits.latencyMs === undefined
        ? undefined
        : `limits that can be met; latency is of ${latency.describe}`,
    next: ways.length === 0 ? undefined : ways.join('; or '),
  });
}

function bindingText(binding: readonly string[], given: readonly string[]): string {
  if (binding.length === 0) return 'each can be met alone, and raising any single one is not enough';
  if (binding.length === given.length) return 'each can be met alone, and each binds';
  return `what binds: ${binding.join(', ')}`;
}

function describeComposition(composition: Composition, limits: Limits): string {
  const amounts = resources.flatMap((name) =>
    limits[name] === undefined ? [] : [`${titleOf(name)} ${amountOf(name, composition[name]!)}`],
  );
  return [...amounts, `predicted drop ${composition.predictedDropPp.toFixed(2)} pp`].join(', ');
}

function titleOf(name: Resource | 'maxDropPp'): string {
  return name === 'maxDropPp' ? 'predicted drop' : resourceTitles[name];
}

function amountOf(name: Resource | 'maxDropPp', value: number): string {
  return name === 'maxDropPp' ? `${value} pp` : formatAmount(name, value);
}
