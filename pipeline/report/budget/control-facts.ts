import { resources, type ComposeSpace, type Resource } from '../../compose/space.ts';
import { resourceOf } from '../../compose/resolve-limits.ts';
import { limitOptions } from '../../compose/limits.ts';
import type { BudgetOption } from './choose-for.ts';
import { teacherOf } from './choose-for.ts';

/** What one control asks for. Amounts are in its unit; a limit is the number with the unit behind it. */
export interface ControlFacts {
  readonly option: BudgetOption;
  readonly title: string;
  /** As `compose` reads it: "M", "MB", "ms", "pp". */
  readonly unit: string;
  /** The least and the most that compositions come to, in this unit; the most of a resource is the teacher's. */
  readonly least: number;
  readonly most: number;
  /** Whether the slider is a share of the teacher in percent; else it is an amount. */
  readonly isShare: boolean;
}

const titles: Readonly<Record<Resource, string>> = {
  params: 'Parameters',
  macs: 'Multiply-adds',
  sizeBytes: 'Size',
  latencyMs: 'Latency',
};

const steps: Readonly<Record<Resource, readonly (readonly [unit: string, size: number])[]>> = {
  params: [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
    ['', 1],
  ],
  macs: [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
    ['', 1],
  ],
  sizeBytes: [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
    ['B', 1],
  ],
  latencyMs: [['ms', 1]],
};

/** Of every limit that the space knows, in the order of `compose --help`. */
export function controlFacts(space: ComposeSpace): ControlFacts[] {
  const teacher = teacherOf(space);
  const extreme = (
    pick: (...values: number[]) => number,
    of: (item: ComposeSpace['blocks'][number][number]) => number,
  ) => space.blocks.reduce((sum, items) => sum + pick(...items.map(of)), 0);
  const known = resources.filter((name) => teacher[name] !== null && teacher[name] > 0);
  const ofResources = limitOptions.flatMap((option): ControlFacts[] => {
    const name = resourceOf[option];
    const most = teacher[name];
    if (most === null || !known.includes(name)) return [];
    const least = space.frame[name] + extreme(Math.min, ({ uses }) => uses[name]);
    const [unit, size] = steps[name].find(([, amount]) => most >= amount) ?? steps[name].at(-1) ?? ['', 1];
    const title =
      name === 'latencyMs' && space.latency?.isWhole === false ? 'Latency of the blocks' : titles[name];
    return [{ option, title, unit, least: least / size, most: most / size, isShare: true }];
  });
  const worst = space.loss.dropPp(extreme(Math.max, ({ cost }) => cost));
  return [
    ...ofResources,
    {
      option: 'max-drop',
      title: `Predicted drop of ${space.loss.of}`,
      unit: 'pp',
      least: 0,
      // Up to where nothing is left to lose; tenths of a point.
      most: Math.min(100, Math.max(1, Math.ceil(worst * 10) / 10)),
      isShare: false,
    },
  ];
}
