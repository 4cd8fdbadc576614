import { formatDuration } from '../../pipeline/util/format.ts';

export interface Progress {
  /** `amount` more of the work is done. */
  advance(amount: number): void;
  /** What is being done now. */
  note(text: string): void;
  /** Work that turned out not to be needed. */
  skip(amount: number): void;
  end(): void;
}

/**
 * One line on stderr: rewritten in place on a terminal, a new one every 20 seconds elsewhere. Time left by proportion to
 * what was estimated beforehand.
 */
export function createProgress(total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now();
  const interval = stream.isTTY ? 250 : 20_000;
  let left = total;
  let done = 0;
  let text = '';
  let shown = -Infinity;
  const show = (now: number): void => {
    shown = now;
    const share = done / Math.max(done + left, 1e-9);
    const seconds = (now - started) / 1000;
    const remaining = share > 0.02 ? `${formatDuration((seconds / share) * (1 - share))} left` : '';
    const line = `${(100 * share).toFixed(0).padStart(3)} %  ${text}  ${formatDuration(seconds)}  ${remaining}`;
    stream.write(stream.isTTY ? `\r\u001b[K${line.slice(0, (stream.columns || 100) - 1)}` : `${line}\n`);
  };
  const tick = (): void => {
    const now = performance.now();
    if (now - shown >= interval) show(now);
  };
  return {
    advance(amount) {
      done += amount;
      left = Math.max(0, left - amount);
      tick();
    },
    skip(amount) {
      left = Math.max(0, left - amount);
    },
    note(next) {
      text = next;
      tick();
    },
    end() {
      left = 0;
      show(performance.now());
      if (stream.isTTY) stream.write('\n');
    },
  };
}
