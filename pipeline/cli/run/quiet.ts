import { describeFailure } from '../../util/failure.ts';
import type { RunView } from './view.ts';
import type { Terminal } from '../terminal.ts';

/** Failures only, each with what to do about it. */
export function renderQuiet(terminal: Terminal): RunView {
  return {
    handle(event) {
      if (event.type !== 'job-failed') return;
      const { job, failure, stack } = event;
      const text = `${terminal.paint.red('failed')} ${job}: ${describeFailure(failure)}`;
      terminal.write(stack === undefined ? `${text}\n` : `${text}\n${stack}\n`);
    },
    note: () => {},
    close: () => {},
  };
}
