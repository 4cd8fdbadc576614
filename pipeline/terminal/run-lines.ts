import type { Event, JobId } from '../runner/contract.ts';
import { eventLine, gatherJobs, percentDone, progressText } from './job-lines.ts';
import type { RunView } from './run-view.ts';
import type { Terminal } from './terminal.ts';

const quietMs = 10_000;
const patienceMs = 60_000;
const stride = 0.25;

interface Shown {
  readonly at: number;
  readonly fraction: number;
}

/**
 * For logs and pipes: one line for what happens. Progress of a job is shown at most every 10 s, and only when it has
 * got a quarter further or a minute has passed.
 */
export function renderLines(terminal: Terminal, now: () => number = () => performance.now()): RunView {
  const { paint } = terminal;
  const shown = new Map<JobId, Shown>();
  const gathered = gatherJobs(paint);
  const flush = (): void => {
    for (const text of gathered.flush()) terminal.write(`${text}\n`);
  };
  const line = (text: string): void => {
    flush();
    terminal.write(`${text}\n`);
  };
  const progress = (event: Extract<Event, { type: 'job-progress' }>): void => {
    const { at, fraction } = shown.get(event.job) ?? { at: -Infinity, fraction: 0 };
    const waited = now() - at;
    if (waited < quietMs || (waited < patienceMs && event.fraction - fraction < stride)) return;
    shown.set(event.job, { at: now(), fraction: event.fraction });
    line(`${percentDone(event)}    ${event.job}  ${progressText(event)}`);
  };
  return {
    handle(event) {
      if (gathered.add(event)) return;
      if (event.type === 'job-progress') progress(event);
      else {
        // The first quiet time counts from the start: a job of a few seconds shows none of its progress.
        if (event.type === 'job-started') shown.set(event.job, { at: now(), fraction: 0 });
        const text = eventLine(event, paint);
        if (text !== undefined) line(text);
      }
    },
    note: line,
    close: flush,
  };
}
