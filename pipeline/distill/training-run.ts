/** Where a training stands, and how a checkpoint keeps it. */
import type { Precision } from '../tensor/recorded/precision.ts';
import type { TrainingState } from '../tensor/training-state.ts';
import type { Energies } from './energies.ts';
import type { TrainingPlan } from './schedule.ts';
import { restoreStudent, studentArrays, type Student } from './student.ts';
import type { ModelLook, TrainingSettings } from './distill-task.ts';

/** All but the students' arrays. A type, not an interface, so that it is JSON. */
export type TrainingRun = {
  readonly energies: Energies;
  plan: TrainingPlan;
  /** Of each student's steps. */
  readonly precisions: readonly Precision[];
  /** Steps made. */
  step: number;
  /** Spent until the last checkpoint. */
  seconds: number;
  /** That of the refits first. */
  history: readonly ModelLook[];
  /** By student, of the steps since the last look. */
  lossSums: readonly number[];
};

export async function stateOf(run: TrainingRun, students: readonly Student[]): Promise<TrainingState> {
  const tensors: Record<string, Float32Array> = {};
  for (const student of students) Object.assign(tensors, await studentArrays(student));
  return { meta: { ...run, best: students.map(({ best }) => best?.step ?? null) }, tensors };
}

/**
 * Puts fresh students back to where the checkpoint saw them.
 * @throws Error where it is of another training.
 */
export function restoreRun(
  { meta, tensors }: TrainingState,
  fresh: readonly Student[],
  { steps }: Pick<TrainingSettings, 'steps'>,
): TrainingRun {
  const { best, ...run } = meta as unknown as TrainingRun & { readonly best: readonly (number | null)[] };
  if (typeof steps === 'number' && run.plan.steps !== steps) {
    throw new Error(`checkpoint: it is of a training of ${run.plan.steps} steps, expected ${steps}`);
  }
  fresh.forEach((student, index) => restoreStudent(student, run.step, best[index] ?? null, tensors));
  return run;
}
