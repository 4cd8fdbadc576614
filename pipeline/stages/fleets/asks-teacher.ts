import { needsTeacher } from '../../submodels/training/needs-teacher.ts';
import type { FleetsConfig } from './schema.ts';

/** Whether the teacher is in memory while sub-models learn: what it said once of every image is not enough then. */
export function asksTeacher({ enabled, ...settings }: FleetsConfig['train']): boolean {
  return enabled && needsTeacher(settings);
}
