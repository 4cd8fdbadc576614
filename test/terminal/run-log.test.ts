import assert from 'node:assert/strict';
import { errorFormatOf, reportError } from '../../pipeline/terminal/report-error.ts';
import { renderLog } from '../../pipeline/terminal/run-log.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { fakeTerminal, story } from './events.ts';
import { assertGolden } from '../cli/golden.ts';

type Line = Record<string, unknown>;

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('a run as a log for collectors', () => {
  it('is one JSON object a line, with time, level and sentence before what the event says', () => {
    const terminal = fakeTerminal();
    let clock = 0;
    const view = renderLog(terminal, () => clock);
    for (const [time, event] of story) {
      clock = time;
      view.handle(event);
    }
    view.note('saved');
    view.close();
    const troubled = fakeTerminal();
    renderLog(troubled).note('no metrics', 'warning');
    assert.equal(linesOf(troubled.text()).at(0)?.level, 'warning');
    const lines = linesOf(terminal.text());
    for (const line of lines) {
      assert.deepEqual(Object.keys(line).slice(0, 3), ['time', 'level', 'message']);
      assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    assertGolden(
      'log.txt',
      lines.map(({ level, message }) => `${String(level)}  ${String(message)}\n`).join(''),
    );
    const failed = lines.find(({ type }) => type === 'job-failed');
    assert.equal(failed?.job, 'distill/block-01');
    assert.ok((failed.failure as Line).next);
  });

  it('takes what refuses a command, too', () => {
    const terminal = fakeTerminal();
    const error = new BlockForgeError({ reason: 'file-missing', subject: 'x.yaml', found: 'no such file' });
    assert.equal(reportError(error, terminal, errorFormatOf(['run', '--log-format=json'])), 3);
    assert.equal(reportError(new Error('oh'), terminal, errorFormatOf(['--log-format', 'json'])), 1);
    const [refused, bug] = linesOf(terminal.text());
    const shown = ({ level, message, exitCode, reason }: Line = {}) => [level, message, exitCode, reason];
    assert.deepEqual(shown(refused), ['error', 'x.yaml: no such file', 3, 'file-missing']);
    assert.deepEqual(shown(bug), ['error', 'a bug: Error: oh', 1, 'bug']);
    assert.deepEqual(
      [['--json', '--log-format=json'], ['--log-format', 'text'], ['--log-format'], []].map(errorFormatOf),
      ['json', 'text', 'text', 'text'],
    );
  });
});
