import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Event } from '../../pipeline/runner/contract.ts';
import { runOne, type OneJobOptions } from '../../pipeline/runner/run-one.ts';
import type { BlockForgeError, Failure } from '../../pipeline/util/failure.ts';
import { present } from '../support/present.ts';
import { bundle } from '../support/bundle.ts';
import type { FakeInput } from './fake-stages.ts';
import { insideExecutor } from './inside-executor.ts';
import { job, Rig } from './rig.ts';

describe('run-one', () => {
  let rig: Rig;
  let program: Awaited<ReturnType<typeof bundle>>;
  const children: ChildProcess[] = [];
  before(async () => {
    program = await bundle(fileURLToPath(new URL('./fake-program.ts', import.meta.url)));
  });
  after(() => program.remove());
  beforeEach(() => {
    rig = new Rig();
    process.env.FAKE_CONTROL = rig.control;
  });
  afterEach(() => {
    delete process.env.FAKE_CONTROL;
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rig.dispose();
  });

  const one = (id: string, options: Partial<OneJobOptions<FakeInput>> = {}) =>
    runOne({
      ...rig.options(),
      executor: insideExecutor(rig.runFolder),
      job: id,
      signal: new AbortController().signal,
      ...options,
    });

  const refusal = async (id: string, options: Partial<OneJobOptions<FakeInput>> = {}): Promise<Failure> => {
    const error: unknown = await one(id, options).catch((thrown: unknown) => thrown);
    return (error as BlockForgeError).failure;
  };

  /** The same in a process of its own. */
  const start = (id: string): ChildProcess & { readonly ended: Promise<number | null> } => {
    const child = spawn(process.execPath, [program.file, 'run-job', id, '--engine', 'wasm'], {
      cwd: tmpdir(),
      env: {
        ...process.env,
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs: rig.jobs }),
        FAKE_CONTROL: rig.control,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(child);
    return Object.assign(child, {
      ended: new Promise<number | null>((resolve) => child.once('exit', resolve)),
    });
  };

  const eventsOf = (id: string): Event['type'][] =>
    readFileSync(join(rig.runFolder, 'events', `${id.replace('/', '--')}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Event).type);

  it('does what a run would do, one job after the other', async () => {
    rig.jobs = [
      job('data/all'),
      job('order/a', { needs: ['data/all'] }),
      job('order/b', { needs: ['data/all'] }),
      job('export/all', { needs: ['order/a'], wants: ['order/b'], folder: 'library' }),
    ];
    const missing = await refusal('export/all');
    assert.equal(missing.reason, 'job-failed');
    assert.match(missing.found, /needs order\/a, which needs data\/all, and that is not there \(missing: /);
    assert.match(present(missing.next), /run-job data\/all/);
    assert.deepEqual(eventsOf('export/all'), ['job-blocked']);
    assert.equal((await refusal('order/c')).reason, 'usage');

    assert.equal((await one('data/all')).end, 'ran');
    assert.deepEqual(rig.started(), ['data/all']);
    assert.equal((await one('data/all')).end, 'fresh');
    assert.deepEqual(rig.started(), ['data/all']);
    assert.deepEqual(eventsOf('data/all'), ['job-started', 'job-finished', 'job-skipped']);

    rig.behave('order/b', { failure: 'expected' });
    const failed = await one('order/b');
    assert.deepEqual([failed.end, failed.failure?.reason], ['failed', 'not-finite']);
    await one('order/a');
    assert.equal((await one('export/all')).end, 'ran');
    assert.match(rig.event('job-warning', 'export/all').message, /goes on without order\/b/);

    // What was wanted is there now: what went on without it is stale, for jobs by themselves as for a run.
    rig.behave('order/b', {});
    for (const id of ['order/b', 'export/all']) assert.equal((await one(id)).end, 'ran');
    const { ran, fresh } = await rig.run();
    assert.deepEqual([ran, fresh], [0, 4]);
    assert.deepEqual(readdirSync(join(rig.runFolder, '.locks')), []);
  });

  it('does several of one run at once, and twice asked for, each once', async () => {
    rig.jobs = ['a', 'b', 'c'].map((name) => job(`order/${name}`, { files: [join(rig.folder, 'weights')] }));
    writeFileSync(join(rig.folder, 'weights'), 'weights');
    for (const { id } of rig.jobs) rig.behave(id, { waitFor: 'go' });
    const processes = rig.jobs.map(({ id }) => start(id));
    await rig.until(() => rig.started().length === 3);
    const waits: string[] = [];
    const second = one('order/a', { onWait: (who) => waits.push(who) });
    await rig.until(() => waits.length === 1);
    assert.match(waits[0]!, new RegExp(`^process ${processes[0]!.pid} on `));
    rig.release('go');
    assert.deepEqual(await Promise.all(processes.map(({ ended }) => ended)), [0, 0, 0]);
    assert.equal((await second).end, 'fresh');
    assert.deepEqual(rig.started(), ['order/a', 'order/b', 'order/c']);
  });

  it('stops waiting for another one when it is told to', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    const first = one('order/a');
    const stop = new AbortController();
    const second = one('order/a', { signal: stop.signal, onWait: () => stop.abort() });
    assert.equal((await second).end, 'interrupted');
    rig.release('go');
    assert.equal((await first).end, 'ran');
  });

  it('does not work beside a run, nor a run beside it', async () => {
    rig.jobs = [job('order/a'), job('order/b')];
    rig.behave('order/a', { waitFor: 'go' });
    const alone = one('order/a');
    await rig.until(() => rig.started().length === 1);
    await assert.rejects(rig.run(), ({ failure }: BlockForgeError) => {
      assert.equal(failure.reason, 'run-locked');
      assert.match(failure.found, new RegExp(`^order/a is being done by process ${process.pid} on `));
      return true;
    });
    rig.release('go');
    await alone;

    rig.behave('order/b', { waitFor: 'later' });
    const whole = rig.run();
    await rig.until(() => rig.started().length === 1);
    const refused = await refusal('order/a', { patienceMs: 1 });
    assert.equal(refused.reason, 'run-locked');
    assert.deepEqual(readdirSync(join(rig.runFolder, '.locks')), [], 'its own lock is given back');
    const patient = one('order/a', { patienceMs: 60_000 });
    rig.release('later');
    assert.equal((await whole).ran, 1);
    assert.equal((await patient).end, 'fresh');
  });

  it('goes on from the checkpoint of one that a signal stopped', async () => {
    rig.jobs = [job('distill/a')];
    rig.behave('distill/a', { waitFor: 'go' });
    const child = start('distill/a');
    await rig.until(() => rig.started().length === 1);
    child.kill('SIGUSR1');
    assert.equal(await child.ended, 75);
    rig.release('go');
    assert.equal((await one('distill/a')).end, 'ran');
    assert.equal(rig.event('job-started', 'distill/a').resumed, true);
    assert.equal(rig.log().findLast(({ type }) => type === 'start')?.checkpoint, 'step 41');
  });

  it('removes what a killed one left, and leaves alone what others are working in', async () => {
    rig.jobs = [job('order/a'), job('order/ab'), job('export/all', { folder: 'library' })];
    for (const { id } of rig.jobs) rig.behave(id, { waitFor: 'go' });
    const [a, ab, all] = rig.jobs.map(({ id }) => start(id));
    await rig.until(() => rig.started().length === 3);
    const temporary = (folder: string) =>
      readdirSync(join(rig.runFolder, folder)).filter((name) => name.includes('.tmp-'));
    for (const child of [a, all]) {
      present(child).kill('SIGKILL');
      await present(child).ended;
    }
    mkdirSync(join(rig.runFolder, 'order/a/deep'), { recursive: true });
    writeFileSync(join(rig.runFolder, 'order/a/done.json.tmp-0123abcd'), '');
    const kept = temporary('order').filter((name) => name.startsWith('ab.'));
    assert.ok(temporary('order').length > kept.length && temporary('').length > 0);

    rig.behave('order/a', {});
    rig.behave('export/all', {});
    assert.equal((await one('order/a')).end, 'ran');
    assert.equal((await one('export/all')).end, 'ran');
    assert.deepEqual(temporary('order'), kept);
    assert.deepEqual(temporary(''), []);
    assert.ok(!existsSync(join(rig.runFolder, 'order/a/done.json.tmp-0123abcd')));
    rig.release('go');
    assert.equal(await present(ab).ended, 0);
  });
});
