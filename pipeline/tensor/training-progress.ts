/** What a training tells while it goes on. */
export interface TrainingProgress {
  /** Done share in [0, 1]. */
  readonly fraction: number;
  readonly note: string;
  /** Of the training, from 1. */
  readonly step: number;
  /** By name; which there are stands where the training takes its `onProgress`. */
  readonly metrics: Readonly<Record<string, number>>;
}
