import { spaceData } from '../../../compose/space-data.ts';
import type { SpaceData } from '../../../compose/space.ts';
import type { BudgetPart, Section } from '../../../report/page.ts';
import type { BlocksRun } from './read-run.ts';
import type { Told } from './told.ts';

/** What the page chooses by: the same numbers that `compose` has. */
export function runSpace({ library, latency }: BlocksRun): SpaceData {
  return spaceData(library.manifest, latency);
}

/** The control that chooses a composition for a budget. */
export function budgetSection({ run, selection }: Told): Section {
  const budget: BudgetPart = {
    kind: 'budget',
    space: runSpace(run),
    library: 'library',
    profile: run.profile,
    teacherTop1Percent: run.library.manifest.teacher.accuracy.top1Percent.mean,
  };
  return {
    id: 'budget',
    title: 'Choose for a budget',
    lead:
      `Set what the model may take or lose: the best composition of the library is chosen as the command compose would, exactly. ` +
      `What it loses is predicted from its blocks as they were measured on ${selection.words}; the charts below show it among models that were measured whole.`,
    parts: [budget],
  };
}
