import { planFleets, type PlannedFleet } from './plan-fleets.ts';
import type { FleetsInput } from './schema.ts';

/** What a plan says beside the jobs: how fleets were fitted to their devices, and which comparisons there are none of. */
export function planNotes(input: FleetsInput): readonly string[] {
  return fleetNotes(input, planFleets(input));
}

/** The same of fleets that are planned already. */
export function fleetNotes(input: FleetsInput, fleets: readonly PlannedFleet[]): readonly string[] {
  return fleets.flatMap(({ name, submodels, baselines, notes }) => {
    const asked = input.loaded.config.baselines;
    const missing = asked.filter((kind) => !baselines.some((one) => one.kind === kind));
    return [
      `${name}: ${submodels.length} sub-model${submodels.length === 1 ? '' : 's'}`,
      ...notes.map((note) => `${name}: ${note}`),
      ...(submodels.length > 1 && missing.includes('total')
        ? [`${name}: all devices together cost as much as the teacher, which is what to compare with`]
        : []),
    ];
  });
}
