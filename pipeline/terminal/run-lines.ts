import { eventLine, gatherJobs, percentDone, progressText } from './job-lines.ts';
import { overallLine } from './overall-line.ts';
import { rareProgress } from './rare-progress.ts';
import type { RunView } from './run-view.ts';
import type { Terminal } from './terminal.ts';
import { trackRun } from './track-run.ts';

/** Between two lines about the whole run. */
const wholeMs = 60_000;

/**
 * For logs and pipes, lines whole whatever their width: one for what came of a job; progress rarely, that of the whole run once a minute.
 * That a job began shows by what follows.
 */
export function renderLines(terminal: Terminal, now: () => number = () => performance.now()): RunView {
  const { paint } = terminal;
  const { state, handle } = trackRun();
  const isWorthALine = rareProgress(now);
  const gathered = gatherJobs(paint);
  const begun = now();
  let toldAt = begun;
  const flush = (): void => {
    for (const text of gathered.flush()) terminal.write(`${text}\n`);
  };
  const line = (text: string): void => {
    flush();
    terminal.write(`${text}\n`);
  };
  return {
    handle(event) {
      handle(event);
      if (gathered.add(event)) return;
      const isWorth = isWorthALine(event) && (event.type !== 'job-started' || event.resumed);
      const text =
        event.type === 'job-progress'
          ? `${percentDone(event)}    ${event.job}  ${progressText(event)}`
          : eventLine(event, paint);
      if (isWorth && text !== undefined) line(text);
      if (now() - toldAt < wholeMs || event.type === 'run-finished') return;
      toldAt = now();
      line(`${paint.dim('run')}      ${overallLine(state, (toldAt - begun) / 1000)}`);
    },
    note: line,
    close: flush,
  };
}
