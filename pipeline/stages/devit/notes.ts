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
    ...fleets.flatMap((fleet) => unevenNote(input, fleet)),
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

/** Durations add up in one unit alone: where they have two, what is compared with the sub-models trains for less than they do. */
function unevenNote({ loaded }: DevitInput, { name, joint, baselines }: PlannedFleet): string[] {
  const { train, ensemble } = loaded.config;
  const [own, together] = [train.duration, ensemble.duration].map((duration) => Object.keys(duration).join());
  if (!joint || baselines.length === 0 || own === together) return [];
  return [
    `warning: ${name}: models to compare with train for train.duration alone, shorter than the sub-models: ensemble.duration is in ${together}, not in ${own}`,
  ];
}
