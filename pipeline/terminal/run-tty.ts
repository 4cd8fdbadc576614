import type { Event, JobId } from '../runner/contract.ts';
import { oneLine } from '../util/printable.ts';
import { eventLine, gatherJobs, percentDone, progressText, stageOf } from './job-lines.ts';
import { openLiveBlock, type Screen } from './live-block.ts';
import { overallLine } from './overall-line.ts';
import type { RunView } from './run-view.ts';
import type { Terminal } from './terminal.ts';
import { createSteadyTime } from './steady-time.ts';
import { trackRun } from './track-run.ts';
import type { RunState } from './track-run.ts';
import { cutTo, padTo, wrapTo } from './width.ts';

/** Lines about jobs, one about the others included: with that of the run no more than 8. */
const most = 7;

/**
 * For people: the run's line and one for each running job at the bottom, the jobs that run longest where they are many; what ended
 * scrolls away above.
 */
export function renderTty(
  terminal: Terminal,
  screen: Screen & { readonly rows?: number | undefined },
  now: () => number = () => performance.now(),
): RunView {
  const { paint } = terminal;
  const started = now();
  const { state, handle } = trackRun();
  const gathered = gatherJobs(paint);
  const steady = createSteadyTime(() => now() / 1000);
  let isOpen = false;
  const block = openLiveBlock(screen, () => {
    const { columns } = terminal;
    const room = Math.max(1, Math.min(most, (screen.rows ?? 24) - 3));
    const jobs = jobLines(state, columns, room);
    return isOpen
      ? [...jobs, overallLine({ ...state, secondsLeft: steady.read() }, (now() - started) / 1000, columns)]
      : [];
  });
  /** What happened to a job is cut where it is long: the log has it. What is to be read is broken at words. */
  const log = (text: string, isCut = false): void => {
    const lines = text.split('\n');
    const fitting = lines.flatMap((line) =>
      isCut ? [cutTo(line, terminal.columns)] : wrapTo(line, terminal.columns, '         '),
    );
    block.log(fitting.join('\n'));
  };
  const flush = (): void => gathered.flush().forEach((line) => log(line));

  return {
    handle(event) {
      handle(event);
      if ('runSecondsLeft' in event && event.runSecondsLeft !== undefined) steady.hear(event.runSecondsLeft);
      if (!gathered.add(event) && event.type !== 'job-progress') flush();
      const text = event.type === 'job-started' && !event.resumed ? undefined : eventLine(event, paint);
      if (text !== undefined) log(text, event.type === 'job-finished');
      isOpen = true;
      block.touch();
    },
    note(text) {
      flush();
      log(text);
    },
    close() {
      flush();
      block.close();
    },
  };
}

/**
 * A line for each running job, in the order in which they started: a line keeps its place as long as those above it run. Of more than
 * fit, one line counts those left out by their stages.
 */
export function jobLines({ running }: Pick<RunState, 'running'>, columns: number, room: number): string[] {
  const all = [...running.keys()];
  const shown = all.length <= room ? all : all.slice(0, room - 1);
  const width = Math.min(28, Math.max(0, ...shown.map((job) => job.length)));
  const lines = shown.map((job) => jobLine(job, running.get(job), columns, width));
  const others = all.slice(shown.length);
  if (others.length === 0) return lines;
  const stages = new Map<string, number>();
  for (const job of others) stages.set(stageOf(job), (stages.get(stageOf(job)) ?? 0) + 1);
  const counts = [...stages].map(([stage, count]) => `${stage} ${count}`).join(', ');
  return [...lines, cutTo(`and ${others.length} more: ${counts}`, columns)];
}

/** "[=====---------------]  25 %  distill/shard-0  step 30/300, loss w0384 0.012, 2 min 05 s left, 1.20 GB" */
export function jobLine(
  job: JobId,
  progress: Extract<Event, { type: 'job-progress' }> | undefined,
  columns = Infinity,
  width = 0,
): string {
  const barWidth = columns < 100 ? 10 : 20;
  const fraction = Math.min(1, Math.max(0, progress?.fraction ?? 0));
  const filled = Math.floor(fraction * barWidth);
  const bar = `[${'='.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
  const start = `${bar} ${percentDone({ fraction })}  ${padTo(oneLine(job), width)}  `;
  const text = progress === undefined ? 'starting' : progressText(progress, columns - start.length);
  return cutTo(`${start}${oneLine(text)}`, columns);
}
