import { setTimeout as sleep } from 'node:timers/promises';
import type { Surroundings, Terminal } from '../../terminal/terminal.ts';
import { findRun } from '../find-run.ts';
import type { StatusCommand } from './arguments.ts';
import { runLooker } from './look-at-run.ts';
import { headline, renderStatus } from './render.ts';
import type { RunStatus } from './run-status.ts';

/** Between two jobs of a scheduler nobody may be at work: only then it is over. */
const patienceSeconds = 60;

/** Says how a run stands, once or until it has ended. @returns the exit code */
export async function runStatus(command: StatusCommand, around: Surroundings): Promise<number> {
  const { stdout, cwd, unheard } = around;
  const look = runLooker(await findRun(command.run, command.runs, cwd));
  const status = command.watch ? await watch(look, command, around) : await look();
  if (unheard.aborted) return 0;
  if (!command.watch) {
    stdout.write(`${command.json ? JSON.stringify(status) : wholeStatus(status, stdout)}\n`);
  }
  return command.check ? checkCode(status) : 0;
}

/** Where the end of a run says that its warnings stand in full. */
function wholeStatus(status: RunStatus, { paint, columns, isLive }: Terminal): string {
  return renderStatus(status, paint, isLive ? columns : Infinity, true);
}

function checkCode({ state }: RunStatus): number {
  if (state === 'failed') return 5;
  return state === 'running' || state === 'finished' ? 0 : 75;
}

/** A screen is drawn anew; elsewhere a line for what changed, and the whole at the end. */
async function watch(
  look: () => Promise<RunStatus>,
  { json, every }: StatusCommand,
  { stdout, unheard }: Surroundings,
): Promise<RunStatus> {
  let last = '';
  let deserted = 0;
  for (;;) {
    const status = await look();
    deserted = status.state === 'nobody' ? deserted + every : 0;
    const isOver = status.state !== 'running' && (status.state !== 'nobody' || deserted > patienceSeconds);
    const drawn = (): string => renderStatus(status, stdout.paint, stdout.columns);
    if (json) stdout.write(`${JSON.stringify(status)}\n`);
    else if (stdout.clearScreen !== undefined) stdout.write(`${stdout.clearScreen}${drawn()}\n`);
    else if (isOver) stdout.write(`${wholeStatus(status, stdout)}\n`);
    else {
      const { state, jobs } = status;
      const now = JSON.stringify([state, jobs]);
      if (now !== last) stdout.write(`${headline(status)}\n`);
      last = now;
    }
    if (isOver) return status;
    // Ends early where nobody reads any more.
    const isHeard = await sleep(every * 1000, true, { signal: unheard }).catch(() => false);
    if (!isHeard) return status;
  }
}
