import type { SideBySide, StageShape } from '../../runner/side-by-side.ts';
import { formatDuration } from '../../util/format.ts';

/**
 * What of a plan can be done at once, in two or three lines; none where one job is all there is.
 * @param frees stages that hold up by a setting, with the one that frees or cuts them
 */
export function describeSideBySide(
  { stages, criticalPath, bySlots }: SideBySide,
  frees: Readonly<Record<string, string>> = {},
): string[] {
  const several = stages.filter(({ jobs }) => jobs > 1);
  if (several.length === 0) return [];
  const sets = several.filter(({ kind }) => kind === 'set');
  const chains = several.filter(({ kind }) => kind !== 'set');
  const settings = [...new Set(chains.flatMap(({ stage }) => frees[stage] ?? []))];
  const freed = settings.map((setting) => {
    const names = chains.flatMap(({ stage }) => (frees[stage] === setting ? [stage] : []));
    return `; ${setting} frees ${names.join(' and ')}`;
  });
  // A stage that is one long job, or few, holds up as a chain does.
  const [longest] = criticalPath.stages;
  const setting = longest && !chains.some(({ stage }) => stage === longest.stage) && frees[longest.stage];
  const held = setting ? `, most of it ${longest.stage} (${setting} cuts it)` : '';
  const speedUps = bySlots
    .filter(({ slots }) => slots > 1)
    .map(({ slots, speedUp }) => `${slots} ${speedUp.toFixed(1)}x`);
  return [
    ...(sets.length === 0 ? [] : [`Side by side: ${sets.map(countOf).join(', ')}`]),
    ...(chains.length === 0 ? [] : [`In a row: ${chains.map(countOf).join(', ')}${freed.join('')}`]),
    `Longest chain: ${criticalPath.jobs.length} jobs, ${formatDuration(criticalPath.seconds)}${held}; ` +
      `so many at once against one: ${speedUps.join(', ')}`,
  ];
}

function countOf({ stage, jobs, inARow, kind }: StageShape): string {
  return kind === 'mixed' ? `${stage} ${jobs} (${inARow} in a row)` : `${stage} ${jobs}`;
}
