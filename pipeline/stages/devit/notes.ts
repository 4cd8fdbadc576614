import { fleetNotes } from '../fleets/notes.ts';
import type { PlannedFleet, PlannedSubmodel } from '../fleets/plan-fleets.ts';
import { preparationWarning } from '../common/preparation-warning.ts';
import { planDevit } from './plan-devit.ts';
import type { DevitInput } from './schema.ts';

/** What a plan says beside the jobs: of its fleets, what their sub-models start from, and how students expect their images. */
export function planNotes(input: DevitInput): readonly string[] {
  const fleets = planDevit(input);
  const { preprocessing, others = [] } = input.inputs;
  return [
    ...fleetNotes(input, fleets),
    ...fleets.map(startNote),
    ...others.flatMap(({ key, told }) => {
      const warning = preparationWarning(preprocessing, told);
      return warning === undefined ? [] : [`${key}: ${warning}`];
    }),
  ];
}

function startNote({ name, submodels }: PlannedFleet): string {
  const kinds = [...new Set(submodels.map(startText))];
  const taught = submodels.some((one) => one.taught) ? ', each with a teacher of its own' : '';
  return `${name}: sub-models start ${kinds.join('; ')}${taught}`;
}

function startText({ start }: PlannedSubmodel): string {
  if (start.from === 'teacher') return 'cut out of the teacher';
  if (start.from === 'random') return `from random weights (students[${start.student}])`;
  return `${start.cut ? 'cut out of' : 'as'} the checkpoint of students[${start.student}], with a new head`;
}
