import assert from 'node:assert/strict';
import { eventLine } from '../../pipeline/terminal/job-lines.ts';
import { renderJson } from '../../pipeline/terminal/run-view.ts';
import { renderLines } from '../../pipeline/terminal/run-lines.ts';
import { renderOutcome } from '../../pipeline/terminal/run-outcome.ts';
import { renderQuiet } from '../../pipeline/terminal/run-view.ts';
import { overallLine } from '../../pipeline/terminal/overall-line.ts';
import { jobLine } from '../../pipeline/terminal/run-tty.ts';
import { colours, plain } from '../../pipeline/terminal/terminal.ts';
import { trackRun } from '../../pipeline/terminal/track-run.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { fakeTerminal, story } from './events.ts';
import { assertAscii, assertGolden } from '../cli/golden.ts';
import { present } from '../support/present.ts';

describe('cli: a run in lines', () => {
  it('shows each happening once and progress rarely', () => {
    const terminal = fakeTerminal();
    let clock = 0;
    const view = renderLines(terminal, () => clock);
    for (const [time, event] of story) {
      clock = time;
      view.handle(event);
    }
    view.close();
    assertAscii(terminal.text());
    assertGolden('lines.txt', terminal.text());
  });

  it('does not lose fresh jobs at the end of a run in which nothing was to do', () => {
    const terminal = fakeTerminal();
    const view = renderLines(terminal);
    view.handle({ type: 'job-skipped', job: 'data/prepare', state: 'fresh' });
    view.close();
    assert.equal(terminal.text(), 'fresh    data/prepare\n');
  });

  it('says only failures when quiet', () => {
    const terminal = fakeTerminal();
    const view = renderQuiet(terminal);
    for (const [, event] of story) view.handle(event);
    assert.equal(
      terminal.text(),
      'failed distill/block-01: distill, block-01, w0384: the loss is NaN at step 120\n' +
        '  expected: a finite loss\n' +
        '  next: lower distill.learningRate, e.g. --set distill.learningRate=0.0003\n',
    );
  });

  it('gives programs the events unchanged, one JSON object a line', () => {
    const terminal = fakeTerminal();
    const view = renderJson(terminal);
    for (const [, event] of story) view.handle(event);
    view.note('not for programs');
    const lines = terminal.text().trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      story.map(([, event]) => event),
    );
  });

  it('ends with warnings by kind, failures in full and the count', () => {
    const { state, handle } = trackRun();
    for (const [, event] of story) handle(event);
    const text = renderOutcome(state, plain);
    assertAscii(text);
    assertGolden('outcome.txt', `${text}\n`);
  });

  it('says how to go on after an interruption', () => {
    const { state, handle } = trackRun();
    handle({ type: 'job-started', job: 'teacher/train', slot: 0, resumed: false });
    handle({ type: 'job-interrupted', job: 'teacher/train' });
    handle({ type: 'run-finished', seconds: 5, ran: 1, fresh: 2, failed: 0, blocked: 0, interrupted: true });
    assert.equal(
      renderOutcome(state, plain),
      '1 ran, 2 fresh in 5.0 s; interrupted: give the same command again to go on',
    );
  });

  it('tells what is tried again in every form, and counts it', () => {
    const failure = {
      reason: 'job-failed',
      subject: 'a/b',
      found: 'its process died (SIGKILL) after 3.0 s',
    } as const;
    const again = { type: 'job-retried', job: 'a/b', attempt: 1, waitSeconds: 10, failure } as const;
    const shown = [renderLines, renderQuiet, renderJson].map((render) => {
      const terminal = fakeTerminal();
      const view = render(terminal);
      view.handle(again);
      view.close();
      return terminal.text();
    });
    const text = 'its process died (SIGKILL) after 3.0 s; try 2 in 10 s';
    assert.deepEqual(shown, [
      `again    a/b  ${text}\n`,
      `again a/b: ${text}\n`,
      `${JSON.stringify(again)}\n`,
    ]);
    const { state, handle } = trackRun();
    handle({ type: 'job-started', job: 'a/b', slot: 0, resumed: false });
    handle(again);
    assert.equal(state.running.size, 0, 'it waits');
    assert.match(overallLine(state, 11), /0 running, 1 tried again/);
    assert.match(renderOutcome(state, plain), /^0 ran, 0 fresh, 1 tried again/);
  });

  it('tells what is to be known before a run, and what is left behind it with the command that goes on', () => {
    const notes = ['1 of 2 jobs at once: memory is short'];
    const begun = {
      type: 'run-started',
      run: 'demo',
      folder: 'runs/demo',
      engine: 'wasm',
      jobs: 3,
      time: '',
      notes,
    } as const;
    for (const render of [renderLines, renderQuiet]) {
      const terminal = fakeTerminal();
      render(terminal).handle(begun);
      assert.match(terminal.text(), /1 of 2 jobs at once: memory is short\n$/);
    }
    const { state, handle } = trackRun();
    handle(begun);
    const left = ['distill/block-03', 'distill/block-04'];
    handle({
      type: 'run-finished',
      seconds: 5,
      ran: 1,
      fresh: 0,
      failed: 0,
      blocked: 0,
      interrupted: true,
      left,
    });
    assert.equal(
      renderOutcome(state, plain, { why: '--stop-after', command: 'npm run pipeline -- --config demo.yaml' }),
      '1 ran, 0 fresh in 5.0 s; stopped by --stop-after: give the same command again to go on\n' +
        'left: 2 jobs: distill 2\ngoes on with: npm run pipeline -- --config demo.yaml',
    );
  });

  it('says that nothing had failed where that was to be tried again', () => {
    const { state, handle } = trackRun();
    handle({ type: 'run-started', run: 'demo', folder: 'runs/demo', engine: 'wasm', jobs: 0, time: '' });
    handle({ type: 'run-finished', seconds: 5, ran: 0, fresh: 0, failed: 0, blocked: 0, interrupted: false });
    assert.equal(renderOutcome(state, plain), 'nothing to try again: no job failed');
  });

  it('knows whether the library belongs to this run', () => {
    const ends = [
      { type: 'job-skipped', job: 'export/library', state: 'fresh' },
      { type: 'job-finished', job: 'export/library', seconds: 1, summary: null, outputs: sha256('') },
      { type: 'job-blocked', job: 'export/library', by: [] },
      { type: 'job-skipped', job: 'rank/library', state: 'fresh' },
    ] as const;
    const exported = ends.map((event) => {
      const { state, handle } = trackRun('export/library');
      handle(event);
      return state.hasResult;
    });
    assert.deepEqual(exported, [true, true, false, false]);
  });

  it('draws bars from nothing done to all done', () => {
    const progress = { type: 'job-progress', job: 'a/b', rssBytes: 5e8 } as const;
    assert.equal(jobLine('a/b', undefined), '[--------------------]   0 %  a/b  starting');
    assert.equal(
      jobLine('a/b', { ...progress, fraction: 0.999 }),
      '[===================-]  99 %  a/b  500 MB',
    );
    assert.equal(
      jobLine('a/b', { ...progress, fraction: 1.2, note: 'writing' }),
      '[====================] 100 %  a/b  writing, 500 MB',
    );
  });

  it('sums the run up in one line', () => {
    const { state, handle } = trackRun();
    for (const [time, event] of story) if (time <= 11_000) handle(event);
    assert.equal(overallLine(state, 11), '3 of 8 jobs, 2 running, 11 s so far, about 4 min 50 s left');
  });

  it('colours only the word that says what happened', () => {
    const [, failed] = present(story.find(([, event]) => event.type === 'job-failed'));
    const text = present(eventLine(failed, colours()));
    assert.ok(text.startsWith(`${colours().red('failed')}   distill/block-01  `), text);
    assert.equal(colours().red('x'), '\x1b[31mx\x1b[0m');
  });
});
