import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../util/atomic.ts';
import { noteOnce, type Note } from '../contained.ts';
import type { Listener, RunEnd, RunFacts } from '../listener.ts';
import { metrics } from './metrics.ts';
import { renderMetrics } from './render.ts';
import { tallyEvents } from './tally.ts';

export interface PrometheusOptions {
  /** A `.prom` file in the folder that node exporter's textfile collector reads. */
  readonly path: string;
  readonly facts: RunFacts;
  readonly note: Note;
  /** Between writes; each is a sign of life. Default 5 s. */
  readonly everyMs?: number | undefined;
}

/**
 * Keeps a text file of metrics for Prometheus up to date while the run goes on, and leaves it as the run ended. Each write
 * replaces the file by a whole new one.
 */
export function prometheus({ path, facts, note, everyMs = 5000 }: PrometheusOptions): Listener {
  const complain = noteOnce(note);
  const { tally, handle } = tallyEvents();
  let lastSuccess: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const write = async (end?: RunEnd): Promise<void> => {
    try {
      const now = Date.now() / 1000;
      if (end?.outcome === 'done') lastSuccess = now;
      await writeFileAtomic(path, await renderMetrics({ facts, tally, end, now, lastSuccess }));
    } catch (error) {
      complain(`monitor.prometheus: ${(error as Error).message}; the run goes on`);
    }
  };
  const beat = (): void => {
    writing ??= write().finally(() => (writing = undefined));
  };

  return {
    handle(event) {
      handle(event);
      if (event.type !== 'run-started') return;
      lastSuccess = readLastSuccess(path, facts.name);
      beat();
      timer = setInterval(beat, everyMs).unref();
    },
    async close(end) {
      clearInterval(timer);
      // Refused before it began by another that is at work: the file is that one's.
      const isOthers =
        tally.started === undefined && end.troubles.some(({ reason }) => reason === 'run-locked');
      if (isOthers) return;
      await writing;
      if (tally.started === undefined) lastSuccess = readLastSuccess(path, facts.name);
      await write(end);
    },
  };
}

/** What an earlier run of that name left in the file: a night that failed does not make it forgotten. */
function readLastSuccess(path: string, run: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const label = `run="${run}"`;
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`${metrics.success[0]}{`) && one.includes(label));
  const value = Number(line?.split(' ').at(-1));
  return Number.isFinite(value) && line !== undefined ? value : undefined;
}
