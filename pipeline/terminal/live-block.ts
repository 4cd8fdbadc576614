import { forScreen } from './terminal.ts';
import { displayWidth } from './width.ts';

/** What of a stream this needs. */
export interface Screen {
  readonly columns?: number | undefined;
  write(text: string): unknown;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Lines at the bottom of a screen that are drawn anew, and text that scrolls away above them. */
export interface LiveBlock {
  /** Says that something changed: drawn within a tenth of a second. */
  touch(): void;
  /** Text that stays, above the block. */
  log(text: string): void;
  /** The last time, then takes the block away. */
  close(): void;
}

const drawEveryMs = 100;
/** So that the clock goes on where nothing happens. */
const idleMs = 1000;

/** @param lines what is to be seen now, none wider than the screen */
export function openLiveBlock(screen: Screen, lines: () => readonly string[]): LiveBlock {
  let drawn: readonly string[] = [];
  let logged = '';
  let dirty = true;
  let drawnAt = 0;

  // A screen that became narrower has broken the lines that are there into several.
  const rowsAbove = (): number => {
    const columns = Math.max(1, screen.columns || 80);
    const rows = drawn.map((line) => Math.max(1, Math.ceil(displayWidth(line) / columns)));
    return Math.max(0, rows.reduce((sum, count) => sum + count, 0) - 1);
  };
  const toStart = (): string => {
    const rows = rowsAbove();
    return `${rows > 0 ? `\x1b[${rows}A` : ''}\x1b[1G`;
  };
  const draw = (): void => {
    const next = lines();
    // One write, lines overwritten before the rest is erased: nothing flickers, and a line that is wider than it was counted does not break.
    const text = next.map((line) => `${forScreen(line)}\x1b[K`).join('\n');
    screen.write(`${toStart()}\x1b[?7l${logged}${text}\x1b[J\x1b[?7h`);
    [drawn, logged, dirty, drawnAt] = [next, '', false, performance.now()];
  };
  const timer = setInterval(() => {
    if (dirty || performance.now() - drawnAt >= idleMs) draw();
  }, drawEveryMs);
  const onResize = (): void => {
    dirty = true;
  };
  screen.on?.('resize', onResize);
  screen.write('\x1b[?25l');

  return {
    touch() {
      dirty = true;
    },
    log(text) {
      // What stays may be longer than the screen is wide.
      logged += `\x1b[?7h${text
        .split('\n')
        .map((line) => `${forScreen(line)}\x1b[K\n`)
        .join('')}\x1b[?7l`;
      dirty = true;
    },
    close() {
      clearInterval(timer);
      screen.off?.('resize', onResize);
      draw();
      screen.write(`${toStart()}\x1b[J\x1b[?25h`);
    },
  };
}
