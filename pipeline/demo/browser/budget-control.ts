import { chooseCompositions } from '../../compose/choose.ts';
import type { ComposeSpace, Composition, Resource } from '../../compose/space.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { element, elementOf, make } from './elements.ts';

type Limit = Exclude<Resource, 'latencyMs'> | 'maxDropPp';

interface LimitKind {
  readonly label: string;
  readonly show: (value: number) => string;
}

const limits: Readonly<Record<Limit, LimitKind>> = {
  sizeBytes: { label: 'memory of weights', show: formatBytes },
  macs: { label: 'multiply-adds', show: formatCount },
  params: { label: 'parameters', show: formatCount },
  maxDropPp: { label: 'points lost, as predicted', show: (value) => `${value.toFixed(2)} points` },
};

export interface BudgetControl {
  /** For its limit, the composition that is predicted to lose least. */
  readonly chosen: () => Composition;
  /** Puts the slider where a composition is that was chosen elsewhere. */
  readonly follow: (composition: Composition) => void;
}

/** The slider: `onChoice` hears what was chosen with every move. */
export function startBudget(
  space: ComposeSpace,
  onChoice: (composition: Composition) => void,
): BudgetControl {
  const slider = elementOf(HTMLInputElement, 'slider');
  const resource = elementOf(HTMLSelectElement, 'resource');
  const output = element('limit');
  const most = space.compositionOf(space.blocks.map(() => 0));
  const least = space.compositionOf(
    space.blocks.map((items) => indexOfLeast(items.map(({ uses }) => uses.sizeBytes))),
  );
  resource.append(
    ...Object.entries(limits).map(([name, { label }]) => make('option', label, { value: name })),
  );
  const kind = () => resource.value as Limit;
  const range = (): readonly [number, number] =>
    kind() === 'maxDropPp'
      ? [0, Math.max(0.01, least.predictedDropPp)]
      : [least[kind() as Resource] ?? 0, most[kind() as Resource] ?? 0];
  const steps = Number(slider.max);
  const value = (): number => {
    const [from, to] = range();
    const share = Number(slider.value) / steps;
    // Rounded up: the largest budget holds the teacher, the smallest the leanest.
    return share === 1 ? to : from + share * (to - from);
  };
  const say = () => {
    const text = limits[kind()].show(value());
    output.textContent = text;
    slider.setAttribute('aria-valuetext', `at most ${text}`);
  };
  const chosen = (): Composition => {
    const found = chooseCompositions(space, { [kind()]: value() }, { minimise: 'sizeBytes' });
    return 'nearest' in found ? (found.nearest?.composition ?? least) : found[0]!;
  };
  const follow = (composition: Composition) => {
    const [from, to] = range();
    const now = kind() === 'maxDropPp' ? composition.predictedDropPp : (composition[kind() as Resource] ?? 0);
    slider.value = String(Math.ceil((steps * (now - from)) / (to - from || 1)));
    say();
  };
  slider.addEventListener('input', () => {
    say();
    onChoice(chosen());
  });
  resource.addEventListener('change', () => {
    slider.dispatchEvent(new Event('input'));
  });
  return { chosen, follow };
}

function indexOfLeast(values: readonly number[]): number {
  return values.indexOf(Math.min(...values));
}
