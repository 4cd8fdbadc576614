import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { renderTable } from '../../pipeline/terminal/table.ts';
import { terminalOf } from '../../pipeline/terminal/terminal.ts';

function screen(isTTY: boolean) {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const terminal = terminalOf(Object.assign(stream, { isTTY, columns: 80 }) as never, {});
  return { terminal, text: () => text };
}

describe('a terminal', () => {
  it('obeys its own colours and shows those of others', () => {
    const { terminal, text } = screen(true);
    terminal.write(`${terminal.paint.red('bad \x1b[2J\u202e')} \x1b[31m\n`);
    assert.equal(text(), '\x1b[31mbad \\u001b[2J\\u202e\x1b[0m \\u001b[31m\n');
  });

  it('takes its line away, which others cannot', () => {
    const { terminal, text } = screen(true);
    terminal.write(`${terminal.eraseLine}50 %\r`);
    assert.equal(text(), '\r\x1b[K50 %\\u000d');
    assert.equal(screen(false).terminal.eraseLine, '');
  });

  it('keeps a cell of a table on its line', () => {
    const rows = renderTable([{ title: 'class' }], [['cat\n\x1b[Aok'], ['dog']]);
    assert.deepEqual([rows[0], ...rows.slice(2)], ['class', 'cat\\u000a\\u001b[Aok', 'dog']);
  });
});
