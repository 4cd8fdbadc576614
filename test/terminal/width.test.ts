import assert from 'node:assert/strict';
import { renderTable, droppedColumns } from '../../pipeline/terminal/table.ts';
import { colours } from '../../pipeline/terminal/terminal.ts';
import { cutMiddle, cutTo, displayWidth, padTo, wrapTo } from '../../pipeline/terminal/width.ts';

describe('the width of text on a screen', () => {
  it('counts columns, not code units: wide characters, combined ones, pictures, colours', () => {
    const widths = { abc: 3, 日本: 4, 'e\u0301': 1, '👩‍👩‍👧': 2, é: 1, '': 0, ｆ: 2, [colours().red('ab')]: 2 };
    for (const [text, width] of Object.entries(widths)) assert.equal(displayWidth(text), width, text);
  });

  it('is never exceeded by what is cut to it, and wide characters are not halved', () => {
    assert.equal(cutTo('abcdef', 6), 'abcdef');
    assert.equal(cutTo('abcdefg', 6), 'abc...');
    assert.equal(cutTo('日本語テスト', 8), '日本...');
    assert.equal(cutTo('abcdef', 2), '..');
    assert.equal(cutMiddle('one model at the cost of all', 20), 'one model...t of all');
    assert.equal(cutMiddle('one model', 20), 'one model');
    const painted = `${colours().green('done')} a/b-00 and more`;
    assert.equal(cutTo(painted, 14), `${colours().green('done')} a/b-00...`);
    assert.equal(padTo('日', 4, 'right'), '  日');
  });

  it('breaks lines at words; a word that is wider stays whole', () => {
    assert.deepEqual(wrapTo('note     one two three four', 14, '  '), [
      'note     one',
      '  two three',
      '  four',
    ]);
    assert.deepEqual(wrapTo('in /a/very/long/path then', 8), ['in', '/a/very/long/path', 'then']);
    assert.deepEqual(wrapTo('  kept', 80), ['  kept']);
  });
});

describe('a table on a screen', () => {
  const columns = [
    { title: 'job' },
    { title: 'why', least: 8 },
    { title: 'disk', align: 'right', dispensable: 2 },
    { title: 'time', align: 'right', dispensable: 1 },
  ] as const;
  const rows = [['data/splits', 'never finished before', '1.00 MB', '9.5 s']];
  const widest = (lines: readonly string[]) => Math.max(...lines.map(displayWidth));

  it('is whole where there is room, then has words cut, then loses columns', () => {
    assert.equal(widest(renderTable(columns, rows)), 50);
    assert.deepEqual(renderTable(columns, rows, { columns: 50 }), renderTable(columns, rows));
    assert.equal(
      renderTable(columns, rows, { columns: 44 })[2],
      'data/splits  never finish...  1.00 MB  9.5 s',
    );
    assert.equal(renderTable(columns, rows, { columns: 30 })[2], 'data/splits  never f...  9.5 s');
    assert.deepEqual(droppedColumns(columns, rows, 30), ['disk']);
    assert.deepEqual(droppedColumns(columns, rows, 80), []);
  });

  it('is too wide where nothing can be left out', () => {
    assert.equal(renderTable(columns, rows, { columns: 10 })[2], 'data/splits  never...');
  });
});
