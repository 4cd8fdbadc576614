import assert from 'node:assert/strict';
import { renderTty } from '../../pipeline/terminal/run-tty.ts';
import { fakeTerminal, story } from './events.ts';
import { assertGolden } from '../cli/golden.ts';

const escapeOrCharacter = new RegExp(`${String.fromCharCode(27)}\\[([?\\d]*)([A-Za-z])|([^])`, 'g');

/** As much of a terminal as `cli-progress` uses: the cursor, erasing, and lines. */
function fakeScreen() {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const put = (character: string): void => {
    if (character === '\n') {
      row++;
      column = 0;
      lines[row] ??= '';
      return;
    }
    lines[row] = lines[row]!.padEnd(column).slice(0, column) + character + lines[row]!.slice(column + 1);
    column++;
  };
  const control = (parameter: string, letter: string): void => {
    const count = Number(parameter || 1);
    if (letter === 'A') row = Math.max(0, row - count);
    else if (letter === 'B') row += count;
    else if (letter === 'G') column = count - 1;
    else if (letter === 'K') lines[row] = parameter === '2' ? '' : lines[row]!.slice(0, column);
    else if (letter === 'J') lines.splice(row, Infinity, lines[row]!.slice(0, column));
    else assert.match(parameter + letter, /^\?(25|7)[hl]$/);
  };
  const write = (text: string): boolean => {
    for (const [, parameter = '', letter, character = ''] of text.matchAll(escapeOrCharacter)) {
      if (letter === undefined) put(character);
      else control(parameter, letter);
    }
    return true;
  };
  const stream = { isTTY: true, columns: 100, write } as unknown as NodeJS.WriteStream;
  return { stream, text: () => lines.map((line) => `${line.trimEnd()}\n`).join('') };
}

describe('cli: a run on a terminal', () => {
  it('keeps bars at the bottom and what ended above them', () => {
    const screen = fakeScreen();
    let clock = 0;
    const view = renderTty(fakeTerminal(true), screen.stream, () => clock);
    try {
      for (const [time, event] of story) {
        clock = time;
        view.handle(event);
        if (event.type === 'job-blocked') break;
      }
      view.handle({ type: 'job-started', job: 'profile/widths', slot: 0, resumed: false });
      view.note('stopping: running jobs save their state');
    } finally {
      // A redraw happens every 100 ms; `close` forces the last one, after which only what is above remains.
      view.close();
    }
    assertGolden('tty-end.txt', screen.text());
  });

  it('shows the bars of the running jobs, cut to the screen', async () => {
    const screen = fakeScreen();
    const view = renderTty({ ...fakeTerminal(true), columns: 70 }, screen.stream, () => 0);
    try {
      for (const [time, event] of story) if (time <= 11_000) view.handle(event);
      await new Promise((resolve) => setTimeout(resolve, 150));
      assertGolden('tty-middle.txt', screen.text());
    } finally {
      view.close();
    }
  });
});
