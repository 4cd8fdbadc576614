import type { Event } from '../../runner/contract.ts';

/** Shows a run while it runs: one of several subscribers of the events. */
export interface RunView {
  readonly handle: (event: Event) => void;
  /** A sentence that is not about a job, e.g. what Ctrl-C will do. */
  note(text: string): void;
  /** Leaves the terminal as it was; nothing is shown after it. */
  close(): void;
}
