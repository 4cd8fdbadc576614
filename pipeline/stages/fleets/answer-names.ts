import type { Baseline } from './artefacts.ts';

/** Whose answers stand in `answers.json`, by name; fleets are told apart, and no name of theirs holds a slash. */
export const answerNames = {
  /** Restricted to the data's classes. */
  teacher: 'teacher',
  fused: (fleet: string) => `${fleet}/fused`,
  /** The others fused. */
  without: (fleet: string, device: string) => `${fleet}/without/${device}`,
  /** Every image by the sub-model of its class, among that sub-model's classes: as it was cut, and retrained. */
  cut: (fleet: string) => `${fleet}/cut`,
  retrained: (fleet: string) => `${fleet}/retrained`,
  small: (fleet: string, kind: Baseline) => `${fleet}/small/${kind}`,
} as const;
