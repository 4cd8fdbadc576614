import type { Event } from '../runner/contract.ts';
import { describeFailure } from '../util/failure.ts';
import { retryText } from './job-lines.ts';
import type { Terminal } from './terminal.ts';

/** Shows a run while it runs: one of several subscribers of the events. */
export interface RunView {
  readonly handle: (event: Event) => void;
  /** A sentence that is not about a job, e.g. what Ctrl-C will do. */
  note(text: string, level?: 'info' | 'warning'): void;
  /** Leaves the terminal as it was; nothing is shown after it. */
  close(): void;
}

/** For programs: the events, one JSON object a line, and nothing else. */
export function renderJson(terminal: Terminal): RunView {
  return {
    handle: (event) => terminal.write(`${JSON.stringify(event)}\n`),
    note: () => {},
    close: () => {},
  };
}

/** Failures and what is tried again, each with what to do about it; what is to be known before the run. */
export function renderQuiet(terminal: Terminal): RunView {
  return {
    handle(event) {
      if (event.type === 'run-started' || event.type === 'job-retried') {
        const lines =
          event.type === 'run-started' ? (event.notes ?? []) : [`again ${event.job}: ${retryText(event)}`];
        for (const line of lines) terminal.write(`${line}\n`);
      }
      if (event.type !== 'job-failed') return;
      const { job, failure, stack } = event;
      const text = `${terminal.paint.red('failed')} ${job}: ${describeFailure(failure)}`;
      terminal.write(stack === undefined ? `${text}\n` : `${text}\n${stack}\n`);
    },
    note: () => {},
    close: () => {},
  };
}
