import { MultiBar } from 'cli-progress';
import type { SingleBar } from 'cli-progress';
import type { Event, JobId } from '../runner/contract.ts';
import { formatDuration } from '../util/format.ts';
import { oneLine } from '../util/printable.ts';
import { eventLine, gatherJobs, percentDone, progressText } from './job-lines.ts';
import type { RunView } from './run-view.ts';
import { forScreen, type Terminal } from './terminal.ts';
import { trackRun } from './track-run.ts';
import type { RunState } from './track-run.ts';

const barWidth = 20;

/**
 * For people: the run's line and one bar for each running job at the bottom, finished jobs as lines that scroll away
 * above. `cli-progress` owns the cursor; the text of every line is made here.
 */
export function renderTty(
  terminal: Terminal,
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): RunView {
  const { paint } = terminal;
  const started = now();
  const { state, handle } = trackRun();
  const bars = new Map<JobId, SingleBar>();
  const gathered = gatherJobs(paint);
  const multi = new MultiBar({
    stream,
    format: (_options, _params, payload: { line: () => string }) => payload.line(),
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // Ctrl-C belongs to main.ts: the jobs write their checkpoints first.
    autopadding: false,
    fps: 10,
  });
  // Erases what a bar left on the line that the text now takes.
  const log = (text: string): void => multi.log(`${forScreen(text)}\x1b[K\n`);
  const flush = (): void => gathered.flush().forEach(log);
  const line = (text: () => string) => ({ line: () => fit(oneLine(text()), terminal.columns) });
  let overall: SingleBar | undefined;

  return {
    handle(event) {
      handle(event);
      if (!gathered.add(event) && event.type !== 'job-progress') flush();
      const text = event.type === 'job-started' && !event.resumed ? undefined : eventLine(event, paint);
      if (text !== undefined) log(text);
      overall ??= multi.create(
        1,
        0,
        line(() => overallLine(state, (now() - started) / 1000)),
      );
      if (event.type === 'job-started') {
        const { job } = event;
        bars.set(
          job,
          multi.create(
            1,
            0,
            line(() => jobLine(job, state.running.get(job))),
          ),
        );
      }
      if ('job' in event && !state.running.has(event.job)) {
        const bar = bars.get(event.job);
        if (bar !== undefined) multi.remove(bar);
        bars.delete(event.job);
      }
    },
    note(text) {
      flush();
      log(text);
    },
    close() {
      flush();
      multi.update();
      multi.stop();
    },
  };
}

/** "[=====---------------]  25 %  distill/block-03  epoch 3/10, loss 0.012, 2 min 05 s left, 1.20 GB" */
export function jobLine(job: JobId, progress: Extract<Event, { type: 'job-progress' }> | undefined): string {
  const fraction = Math.min(1, Math.max(0, progress?.fraction ?? 0));
  const filled = Math.floor(fraction * barWidth);
  const bar = `[${'='.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
  return `${bar} ${percentDone({ fraction })}  ${job}  ${progress === undefined ? 'starting' : progressText(progress)}`;
}

/** "12 of 34 jobs, 2 running, 1 failed, 1 min 10 s so far, about 3 min left" */
export function overallLine(state: RunState, elapsedSeconds: number): string {
  const { started, done, fresh, running, failures, blocked, secondsLeft } = state;
  return [
    `${done + fresh} of ${started?.jobs ?? '?'} jobs`,
    `${running.size} running`,
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    ...(blocked.length > 0 ? [`${blocked.length} blocked`] : []),
    `${formatDuration(elapsedSeconds)} so far`,
    ...(secondsLeft === undefined ? [] : [`about ${formatDuration(secondsLeft)} left`]),
  ].join(', ');
}

/** Cut to the screen: a line that wraps would break the redrawing. */
function fit(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 3))}...`;
}
