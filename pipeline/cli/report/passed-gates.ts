import type { RunStatus } from '../status/run-status.ts';

/** Of every method. */
const common: Readonly<Record<string, string>> = {
  data: 'No image is in two splits, by content.',
  teacher:
    'The teacher is better than chance, and no other usual preprocessing and no other order of its classes is clearly better.',
};

/** What was checked and held, by the stages that are done; sentences. @param own of the method */
export function passedGates(
  { stages, state }: Pick<RunStatus, 'stages' | 'state'>,
  own: Readonly<Record<string, string>> = {},
): readonly string[] {
  const gates = { ...common, ...own };
  const passed = stages.flatMap(({ stage, jobs, done }) => {
    const text = Object.hasOwn(gates, stage) ? gates[stage] : undefined;
    return text !== undefined && jobs > 0 && done === jobs ? [text] : [];
  });
  return state === 'finished' ? [...passed, 'No loss and no score was infinite or not a number.'] : passed;
}
