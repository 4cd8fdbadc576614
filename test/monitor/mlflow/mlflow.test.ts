import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionOf, type Connection } from '../../../pipeline/monitor/mlflow/connection.ts';
import { mlflow, type MlflowOptions } from '../../../pipeline/monitor/mlflow/mlflow.ts';
import { batchesOf, keyOf } from '../../../pipeline/monitor/mlflow/names.ts';
import { done, factsOf, finish, progress, started } from '../events.ts';
import { fakeMlflow, type FakeServer } from './server.ts';

describe('tracking on an MLflow server', () => {
  let folder: string;
  let server: FakeServer;
  let notes: string[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-mlflow-'));
    server = await fakeMlflow();
    notes = [];
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
    assert.deepEqual(server.complaints, []);
  });

  const track = (changes: Partial<MlflowOptions> = {}) =>
    mlflow({
      connection: { url: server.url, experiment: 'vits', authorization: 'Bearer hunter2' },
      facts: factsOf('/runs/vit'),
      memory: join(folder, 'mlflow.json'),
      note: (text) => notes.push(text),
      signal: new AbortController().signal,
      everyMs: 5,
      ...changes,
    });
  const theRun = () => {
    const [run] = server.runs.values();
    assert.ok(run);
    return run;
  };

  it('has parameters, tags, numbers over steps, the paths of results and the end', async () => {
    const listener = track();
    listener.handle(started);
    listener.handle(progress('distill/block-03', { step: 7, metrics: { 'loss w0384': 0.5, broken: NaN } }));
    listener.handle(finish('distill/block-03', { gain: { best: 0.25 }, name: 'x' }));
    await listener.close(done);
    assert.deepEqual([...server.experiments.keys()], ['vits']);
    assert.deepEqual([...server.authorizations], ['Bearer hunter2']);
    const { status, name, params, tags, metrics } = theRun();
    assert.equal(status, 'FINISHED');
    assert.equal(name, 'vit');
    assert.equal(params.get('distill.duration.steps'), '20');
    assert.equal(params.get('sparsities'), '[0.5,0.75]');
    assert.equal(params.get('long')?.length, 6000);
    assert.equal(tags.get('blockforge.version'), '1.2.3');
    assert.equal(tags.get('blockforge.result.library'), '/runs/vit/library');
    assert.deepEqual(
      metrics.map(({ key, value, step }) => [key, value, step]),
      [
        ['distill/block-03/loss/w0384', 0.5, 7],
        ['distill/block-03/seconds', 2, 0],
        ['distill/block-03/summary/gain/best', 0.25, 0],
      ],
    );
    assert.deepEqual(notes, []);
  });

  it('goes on with the same run when a run folder is resumed, and with another one for other settings', async () => {
    for (const [outcome, status] of [
      ['interrupted', 'KILLED'],
      ['failed', 'FAILED'],
    ] as const) {
      const listener = track();
      listener.handle(started);
      await listener.close({ ...done, outcome, exitCode: 1 });
      assert.equal(theRun().status, status);
    }
    assert.equal(server.runs.size, 1);
    const other = track({ facts: { ...factsOf('/runs/vit'), config: { seed: 2 } } });
    other.handle(started);
    await other.close(done);
    assert.equal(server.runs.size, 2);
  });

  it('keeps what a server that is down for a while does not take, and says so once', async () => {
    server.fault = { status: 503, body: '<html>later' };
    const listener = track();
    listener.handle(started);
    for (let step = 1; step <= 5; step++) {
      listener.handle(progress(`train/${step}`, { step, metrics: { loss: step } }));
      const { requests } = server;
      while (server.requests === requests) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    server.fault = undefined;
    await listener.close(done);
    assert.deepEqual(
      theRun().metrics.map(({ value }) => value),
      [1, 2, 3, 4, 5],
    );
    assert.equal(theRun().status, 'FINISHED');
    assert.equal(notes.length, 1);
    assert.match(
      notes[0] ?? '',
      /answered experiments\/get-by-name with 503; tried again while the run goes on$/,
    );
  });

  it('ends in bounded time where there is no server, and tells what was lost', async () => {
    await server.close();
    const listener = track({ closeMs: 100 });
    listener.handle(started);
    listener.handle(progress('train/a', { step: 1, metrics: { loss: 1 } }));
    const begun = performance.now();
    await listener.close(done);
    assert.ok(performance.now() - begun < 5000);
    assert.equal(notes.length, 2);
    assert.match(notes[0] ?? '', /does not answer \(ECONNREFUSED\)/);
    assert.match(notes[1] ?? '', /1 values and the end of the run could not be told to http/);
    assert.ok(!notes.join().includes('hunter2'));
  });

  it('does not ask a server again that refuses who asks', async () => {
    const body = JSON.stringify({ error_code: 'PERMISSION_DENIED', message: 'who are you' });
    server.fault = { status: 403, body };
    const listener = track();
    listener.handle(started);
    while (notes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await listener.close(done);
    assert.equal(server.requests, 1);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /403 PERMISSION_DENIED, who are you; the run goes on$/);
  });

  it('is told nothing of a run that was refused before it began', async () => {
    await track().close({ ...done, outcome: 'failed', exitCode: 6 });
    assert.equal(server.requests, 0);
  });

  describe('takes its server', () => {
    const table: readonly (readonly [
      settings: { url?: string; experiment?: string },
      env: Record<string, string>,
      found: Connection | RegExp,
    ])[] = [
      [
        { url: 'http://h:5000/' },
        {},
        { url: 'http://h:5000', experiment: 'blockforge', authorization: undefined },
      ],
      [
        {},
        { MLFLOW_TRACKING_URI: 'https://h/base', MLFLOW_EXPERIMENT_NAME: 'e', MLFLOW_TRACKING_TOKEN: 't' },
        { url: 'https://h/base', experiment: 'e', authorization: 'Bearer t' },
      ],
      [
        { url: 'http://me:p%40ss@h', experiment: 'x' },
        { MLFLOW_TRACKING_URI: 'http://other', MLFLOW_EXPERIMENT_NAME: 'e' },
        { url: 'http://h', experiment: 'x', authorization: 'Basic bWU6cEBzcw==' },
      ],
      [
        { url: 'http://h' },
        { MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p', MLFLOW_TRACKING_TOKEN: 't' },
        { url: 'http://h', experiment: 'blockforge', authorization: 'Basic dTpw' },
      ],
      [{}, {}, /no server; set monitor\.mlflow\.url or MLFLOW_TRACKING_URI/],
      [
        {},
        { MLFLOW_TRACKING_URI: 'postgresql://u:hunter2@h/db' },
        /postgresql:\/\/u:\*\*\*@h\/db is not told of/,
      ],
    ];
    for (const [settings, env, found] of table) {
      it(`${settings.url ?? 'none'} and ${Object.keys(env).join(', ') || 'no variables'}`, () => {
        const connection = connectionOf(settings, env);
        if (found instanceof RegExp)
          assert.match(typeof connection === 'string' ? connection : 'a server', found);
        else assert.deepEqual(connection, found);
      });
    }
  });

  it('keeps to the limits of names and batches', () => {
    assert.equal(keyOf('distill/block-03/loss/w0384'), 'distill/block-03/loss/w0384');
    assert.equal(keyOf('/a//../b:c/é.'), 'a/__/b_c/_.');
    assert.equal(keyOf('x'.repeat(300)).length, 250);
    assert.equal(keyOf(''), '_');
    const counts = (items: readonly string[]) => batchesOf(items, 100).map(({ length }) => length);
    assert.deepEqual(counts(Array<string>(250).fill('a')), [100, 100, 50]);
    assert.deepEqual(counts(Array<string>(3).fill('a'.repeat(400_000))), [2, 1]);
  });
});
