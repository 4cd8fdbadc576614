import type { RunView } from './view.ts';
import type { Terminal } from '../terminal.ts';

/** For programs: the events, one JSON object a line, and nothing else. */
export function renderJson(terminal: Terminal): RunView {
  return {
    handle: (event) => terminal.write(`${JSON.stringify(event)}\n`),
    note: () => {},
    close: () => {},
  };
}
