import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunCommand } from '../../../pipeline/cli/run/arguments.ts';
import { runPipeline } from '../../../pipeline/cli/run/command.ts';
import { configJsonSchema } from '../../../pipeline/config/json-schema.ts';
import { loadConfig } from '../../../pipeline/config/load.ts';
import type { MethodSchema } from '../../../pipeline/config/method.ts';
import type { Event } from '../../../pipeline/runner/contract.ts';
import type { TeacherCheck } from '../../../pipeline/stages/common/artefacts.ts';
import { blocks } from '../../../pipeline/stages/methods.ts';
import { interruptedExitCode } from '../../../pipeline/terminal/report-error.ts';
import { plain, type Terminal } from '../../../pipeline/terminal/terminal.ts';
import { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { present } from '../../support/present.ts';
import { skeleton } from './graph.ts';
import type { Part } from './work/part.ts';

const demoTeacher = fileURLToPath(new URL('../../../checkpoints/demo-teacher', import.meta.url));

describe('a second method', function () {
  this.timeout(120_000);
  let cwd: string;
  let events: Event[];
  const runFolder = () => join(cwd, 'runs', 'second');

  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-skeleton-'));
    write('method: skeleton');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  function write(method: string, more = ''): void {
    const data =
      '{ source: shapes, shapes: { images: 600 }, splits: { calibration: 20, selection: 60, test: 0 } }';
    const teacher = `{ checkpoint: ${demoTeacher} }`;
    writeFileSync(join(cwd, 'second.yaml'), `${method}\nteacher: ${teacher}\ndata: ${data}\n${more}`);
  }
  function load(...overrides: string[]) {
    const methods: readonly MethodSchema[] = [blocks, skeleton];
    return loadConfig('second.yaml', methods, { cwd, overrides, env: {} });
  }
  /** What the command `run` does with the method, told by its events. */
  async function perform(overrides: readonly string[], until?: string): Promise<number> {
    const abort = new AbortController();
    events = [];
    return command({ overrides, json: true }, abort.signal, (line) => {
      const event = JSON.parse(line) as Event;
      events.push(event);
      if (event.type === 'job-finished' && event.job === until) abort.abort(new Error('interrupted'));
    });
  }
  function command(
    asked: Partial<RunCommand>,
    unheard: AbortSignal,
    onLine: (line: string) => void,
  ): Promise<number> {
    const write = (text: string): void => {
      for (const line of text.split('\n').filter((one) => one !== '')) onLine(line);
    };
    const terminal: Terminal = { write, eraseLine: '', isLive: false, columns: 110, paint: plain };
    const { overrides = [], ...rest } = asked;
    const whole: RunCommand = {
      config: 'second.yaml',
      overrides: ['engine=wasm', ...overrides],
      runs: 'runs',
      plan: false,
      quiet: false,
      json: false,
      ...rest,
    };
    return runPipeline(whole, { stdout: terminal, stderr: terminal, cwd, unheard, commands: [] }, [skeleton]);
  }
  async function told(asked: Partial<RunCommand>): Promise<string> {
    const lines: string[] = [];
    assert.equal(await command(asked, new AbortController().signal, (line) => lines.push(line)), 0);
    return lines.join('\n');
  }
  const finished = () => present(events.find((event) => event.type === 'run-finished'));
  const ran = () => events.flatMap((event) => (event.type === 'job-finished' ? [event.job] : [])).sort();
  const read = (path: string): unknown => JSON.parse(readFileSync(join(runFolder(), path), 'utf8'));
  const refusal = (...overrides: string[]): string => {
    try {
      load(...overrides);
    } catch (error) {
      assert.ok(error instanceof BlockForgeError);
      return error.message;
    }
    throw new Error('the config was accepted');
  };

  it('is named by the config, and has keys and checks of its own', () => {
    const { config } = load();
    assert.equal(config.method, 'skeleton');
    assert.deepEqual((config as { parts?: unknown }).parts, { count: 2 });
    assert.match(refusal('parts.cuont=3'), /parts\.cuont: unknown key; did you mean "count"\?/);
    assert.match(refusal('parts.count=11'), /parts\.count: cuts 10 classes into 11/);
    assert.match(refusal('descendants.sparsities=[0.5]'), /descendants: unknown key/);
    assert.match(
      refusal('measure.batchSize=0'),
      /measure\.batchSize: expected more than 0/,
      'shared keys, too',
    );
  });

  it('is suggested where its name is mistyped, beside all else that is wrong', () => {
    const message = refusal('method=skeletn', 'seed=-1');
    assert.match(message, /method: expected blocks or skeleton, found "skeletn"; did you mean "skeleton"\?/);
    assert.match(message, /seed: expected at least 0/);
  });

  it('is one of the alternatives that editors complete', () => {
    const { oneOf } = configJsonSchema([blocks, skeleton]) as {
      oneOf: { properties: Record<string, unknown> }[];
    };
    assert.deepEqual(
      oneOf.map(({ properties }) => 'parts' in properties),
      [false, true],
    );
    assert.ok(oneOf.every(({ properties }) => 'teacher' in properties && 'extends' in properties));
  });

  it('is interrupted, goes on where it stopped, and ends with what its jobs found together', async () => {
    assert.equal(await perform([], 'teacher/check'), interruptedExitCode);
    assert.ok(finished().interrupted);
    assert.deepEqual(ran(), ['data/splits', 'teacher/check', 'teacher/model']);
    assert.equal(await perform([]), 0);
    assert.equal(finished().failed, 0);
    assert.deepEqual(ran(), ['part/0', 'part/1', 'vote/all']);
    const { images, correct } = read('vote/all/vote.json') as Part;
    const check = read('teacher/check/check.json') as TeacherCheck;
    assert.equal(images, 60);
    assert.equal(check.images, 60);
    assert.ok(Math.abs((100 * correct) / images - check.top1.mean) < 1e-9, 'the parts are the whole');
  });

  it('runs again only what a setting of its own touches, and nothing for how images are batched', async () => {
    await perform(['measure.batchSize=7']);
    assert.deepEqual([finished().ran, finished().fresh], [0, 6]);
    await perform(['parts.count=3']);
    assert.deepEqual(ran(), ['part/0', 'part/1', 'part/2', 'vote/all']);
    assert.equal((read('vote/all/vote.json') as Part).images, 60);
  });

  it('is planned, begun again from a stage of its own, and ends without the table of a library', async () => {
    const before = await told({ plan: true, from: 'vote', overrides: ['parts.count=3'] });
    assert.match(before, /vote\/all +\w+ +.*--from/);
    assert.match(before, /part\/2 +fresh/);
    const text = await told({ from: 'vote', overrides: ['parts.count=3'] });
    assert.match(text, /1 ran, 6 fresh/);
    assert.doesNotMatch(text, /Library/);
  });
});
