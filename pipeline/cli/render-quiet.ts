import { eventLine } from './job-lines.ts';
import type { RunView } from './run-view.ts';
import type { Terminal } from './terminal.ts';

/** Failures only. */
export function renderQuiet(terminal: Terminal): RunView {
  return {
    handle(event) {
      if (event.type === 'job-failed') terminal.write(`${eventLine(event, terminal.paint)}\n`);
    },
    note: () => {},
    close: () => {},
  };
}
