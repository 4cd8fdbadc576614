/** A distillation between two steps, as a checkpoint keeps it. */
import type { TrainingState } from '../tensor/training-state.ts';
import type { Plan } from './schedule.ts';
import * as students from './students.ts';
import type { DistillSettings, Look } from './task.ts';

export interface DistillRun {
  plan: Plan;
  /** Steps made. */
  step: number;
  /** Spent before this process took over. */
  readonly earlierSeconds: number;
  readonly history: Look[];
}

type Meta = {
  readonly plan: Plan;
  readonly step: number;
  readonly seconds: number;
  readonly history: readonly Look[];
  readonly best: readonly ({ readonly step: number; readonly error: number } | null)[];
};

export async function saveRun(
  { plan, step, history }: DistillRun,
  all: readonly students.Student[],
  seconds: number,
): Promise<TrainingState> {
  const arrays = await Promise.all(all.map(students.exportArrays));
  const meta: Meta = {
    plan,
    step,
    seconds,
    history: [...history],
    best: all.map(({ best }) => (best.step === 0 ? null : { step: best.step, error: best.error })),
  };
  return { meta, tensors: Object.assign({}, ...arrays) as Record<string, Float32Array> };
}

export function newRun(steps: number): DistillRun {
  return { plan: { steps, hurried: null }, step: 0, earlierSeconds: 0, history: [] };
}

/** @throws Error where the checkpoint is of another number of steps than the settings name. */
export function savedRun({ meta }: TrainingState, { steps }: DistillSettings): DistillRun {
  const { plan, step, seconds, history } = meta as unknown as Meta;
  if (typeof steps === 'number' && plan.steps !== steps) {
    throw new Error(`checkpoint: it is of a training of ${plan.steps} steps, expected ${steps}`);
  }
  return { plan, step, earlierSeconds: seconds, history: [...history] };
}

/**
 * Puts fresh students back to where the checkpoint saw them.
 * @throws Error where the checkpoint belongs to something else.
 */
export function restoreStudents(fresh: readonly students.Student[], { meta, tensors }: TrainingState): void {
  const { step, best } = meta as unknown as Meta;
  fresh.forEach((student, index) => students.restore(student, step, best[index], tensors));
}
