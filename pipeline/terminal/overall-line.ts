import { formatDuration } from '../util/format.ts';
import type { RunState } from './track-run.ts';
import { cutTo, displayWidth } from './width.ts';

/** "12 of 34 jobs, 2 running, 1 failed, 1 min 10 s so far, about 3 min left" */
export function overallLine(state: RunState, elapsedSeconds: number, columns = Infinity): string {
  const { started, done, fresh, running, retried, failures, blocked, secondsLeft } = state;
  const soFar = `${formatDuration(elapsedSeconds)} so far`;
  const parts = [
    `${done + fresh} of ${started?.jobs ?? '?'} jobs`,
    `${running.size} running`,
    ...(retried > 0 ? [`${retried} tried again`] : []),
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    ...(blocked.length > 0 ? [`${blocked.length} blocked`] : []),
    soFar,
    // What is left when nothing is expected any more, nobody knows.
    ...(secondsLeft === undefined || secondsLeft < 0.5 ? [] : [`about ${formatDuration(secondsLeft)} left`]),
  ];
  const line = parts.join(', ');
  if (displayWidth(line) <= columns) return line;
  return cutTo(parts.filter((part) => part !== soFar).join(', '), columns);
}
