import assert from 'node:assert/strict';
import { jobLines, renderTty } from '../../pipeline/terminal/run-tty.ts';
import { openLiveBlock } from '../../pipeline/terminal/live-block.ts';
import { trackRun } from '../../pipeline/terminal/track-run.ts';
import { displayWidth } from '../../pipeline/terminal/width.ts';
import { fakeTerminal, story } from './events.ts';
import { manyJobs } from './many-jobs.ts';
import { assertGolden } from '../cli/golden.ts';

const escape = String.fromCharCode(27);
const escapeOrCharacter = new RegExp(`${escape}\\[([?\\d]*)([A-Za-z])|([^])`, 'g');

/** As much of a terminal as a live block uses: the cursor, erasing, and lines. */
function fakeScreen(columns = 100) {
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
  const stream = {
    columns,
    write,
    rows: 24,
  };
  return {
    stream,
    /** What is on it now, a line each. */
    lines: () => lines.map((line) => line.trimEnd()),
    text: () => lines.map((line) => `${line.trimEnd()}\n`).join(''),
  };
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
      await drawn(() => screen.text().includes('so far'));
      assertGolden('tty-middle.txt', screen.text());
    } finally {
      view.close();
    }
  });

  for (const [slots, columns] of [
    [2, 80],
    [16, 120],
    [16, 80],
    [16, 60],
  ] as const) {
    it(`is at most 8 lines of a screen of ${columns} columns with ${slots} jobs at once`, async () => {
      const screen = fakeScreen(columns);
      const view = renderTty({ ...fakeTerminal(true), columns }, screen.stream, () => 0);
      try {
        for (const event of manyJobs(slots)) view.handle(event);
        await drawn(() => screen.text().includes('so far') || screen.text().includes('left'));
        const lines = screen.lines();
        assert.ok(lines.every((line) => displayWidth(line) <= columns));
        const block = lines.filter((line) => /^\[|^and |^0 of/.test(line));
        assert.equal(block.length, Math.min(slots, 7) + 1);
        assertGolden(`tty-${slots}-at-${columns}.txt`, screen.text());
      } finally {
        view.close();
      }
      assert.doesNotMatch(screen.text(), /so far|^and \d|^\[/m);
    });
  }

  it('takes less of a low screen', () => {
    const { state, handle } = trackRun();
    for (const event of manyJobs(16)) handle(event);
    assert.deepEqual(
      jobLines(state, 80, 2).map((line) => line.slice(0, 16)),
      ['[----------]   5', 'and 15 more: dis'],
    );
  });

  it('begins where its first line is after the screen became narrower and broke its lines', () => {
    const written: string[] = [];
    const screen = { columns: 80, write: (text: string) => void written.push(text) };
    const block = openLiveBlock(screen, () => ['a'.repeat(75), 'b'.repeat(10)]);
    block.close();
    assert.ok(written.at(-1)?.startsWith(`${escape}[1A`));
    screen.columns = 40;
    const narrow = openLiveBlock(screen, () => ['a'.repeat(75), 'b'.repeat(10)]);
    narrow.close();
    assert.ok(written.at(-1)?.startsWith(`${escape}[2A`));
  });
});

/** A redraw happens within a tenth of a second. */
async function drawn(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
}
