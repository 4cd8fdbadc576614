import type { OtherCheckpoint } from '../common/plan-input.ts';
import type { DevitConfig } from './schema.ts';

export const studentKey = (index: number): string => `students[${index}]`;

/** The checkpoints that students start from: they are looked into before planning. */
export function otherCheckpoints({ students }: DevitConfig): OtherCheckpoint[] {
  return students.flatMap((student, index) =>
    student !== 'teacher' && 'checkpoint' in student ? [{ key: studentKey(index), ...student }] : [],
  );
}
