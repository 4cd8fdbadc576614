import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { whyNoRedis } from '../../support/redis.ts';
import { job } from '../rig.ts';
import { bucket, S3Server } from '../store/s3-server.ts';
import { QueueRig } from './queue-rig.ts';

describe('a queue with an object store', function () {
  this.timeout(120_000);
  const why = whyNoRedis();
  const server = new S3Server();
  let rig: QueueRig;
  let opened = false;
  before(() => server.start());
  after(() => server.dispose());
  beforeEach(async function () {
    if (why !== undefined) return this.skip();
    server.enter();
    server.requests = [];
    rig = new QueueRig();
    rig.store = `s3://${bucket}/tests`;
    opened = true;
    await rig.open();
  });
  afterEach(async () => {
    if (opened) await rig.close();
    opened = false;
    server.leave();
  });

  const chain = [
    job('data/all'),
    job('order/a', { needs: ['data/all'] }),
    job('order/b', { needs: ['data/all'] }),
    job('rank/all', { needs: ['order/a', 'order/b'] }),
  ];
  const until = (condition: () => boolean) => rig.until(condition, 60);
  const runsOf = (name: string) => join(rig.folder, name);
  const startWorker = (name: string) => rig.worker({ runs: runsOf(name) });
  const filesBelow = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(folder, path)).isFile())
      .sort();
  const stored = () => filesBelow(server.folder).filter((path) => path.endsWith('_object'));
  /** What a worker has on its disk of the only run that it saw. */
  const keptBy = (name: string) => {
    const runs = readdirSync(runsOf(name));
    assert.match(runs.join(' '), /^fake-[0-9a-f]{8}$/);
    return filesBelow(join(runsOf(name), runs[0]!));
  };
  const published = (runFolder: string) =>
    filesBelow(runFolder)
      .filter((path) => path.endsWith('.txt'))
      .map((path) => [path, readFileSync(join(runFolder, path), 'utf8')]);

  const untilQueued = async () => {
    const queue = new Queue('test', { connection: { url: rig.url } });
    while (Object.values(await queue.getJobCounts()).every((count) => count === 0)) await sleep(20);
    await queue.close();
  };

  it('has what a local run has, by workers that see nothing of the run folder, and leaves only what they keep', async () => {
    rig.jobs = chain;
    await rig.run(1);
    const local = published(rig.runFolder);
    renameSync(rig.runFolder, join(rig.folder, 'local'));
    rig.behave('order/a', { waitFor: 'go' });
    rig.behave('order/b', { waitFor: 'go' });
    const workers = [startWorker('w1'), startWorker('w2')];
    const going = rig.runQueued();
    await until(() => workers.every(({ lines }) => lines.some(({ type }) => type === 'job-started')));
    await until(() => ['order/a', 'order/b'].every((id) => rig.started().includes(id)));
    assert.ok(stored().length > 0, 'there is something in the store meanwhile');
    rig.release('go');
    const outcome = await going;
    assert.deepEqual([outcome.ran, outcome.failed], [4, 0]);
    assert.deepEqual(published(rig.runFolder), local);
    assert.deepEqual(stored(), []);
    for (const name of ['w1', 'w2']) {
      const kept = keptBy(name).filter((path) => !path.startsWith('.logs/'));
      const inputs = /^(data|order)\/(all|a|b)\/(deep\/result|half)\.txt$/;
      assert.deepEqual(
        kept.filter((path) => !inputs.test(path)),
        [],
        `${name}: what later jobs read, and nothing else`,
      );
      assert.ok(kept.includes('data/all/deep/result.txt'), name);
    }
    assert.deepEqual(rig.notes, []);
  });

  it('keeps the checkpoint of a worker that is told to stop, and results while no controller is there', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    const first = startWorker('w1');
    const abort = new AbortController();
    const going = rig.runQueued(abort.signal);
    await until(() => rig.started().length === 1);
    first.child.kill('SIGTERM');
    assert.equal(await first.end, 75);
    abort.abort();
    assert.equal((await going).interrupted, true);
    rig.release('go');
    const second = rig.worker({ runs: runsOf('w2'), untilEmpty: true });
    assert.equal(await second.end, 0, 'the queue was empty');
    const starts = rig.log().filter(({ type }) => type === 'start');
    assert.deepEqual(
      starts.map(({ checkpoint }) => checkpoint),
      [undefined, 'step 41'],
    );
    assert.ok(stored().length > 0);
    const outcome = await rig.runQueued();
    assert.deepEqual([outcome.ran + outcome.fresh, outcome.failed], [1, 0]);
    assert.deepEqual(rig.started(), [], 'nothing was done again');
    assert.deepEqual(stored(), []);
  });

  it('is left by a worker without a file that a job depends on, who names the file and its machine', async () => {
    const [file, away] = [join(rig.folder, 'teacher.bin'), join(rig.folder, 'away.bin')];
    writeFileSync(file, 'weights');
    rig.jobs = [job('refit/a', { files: [file] })];
    const going = rig.runQueued();
    await untilQueued();
    // From here on no other machine sees it.
    renameSync(file, away);
    const first = startWorker('w1');
    assert.equal(await first.end, 4);
    const told = JSON.stringify(first.lines.at(-1));
    assert.match(told, /"file-missing"/);
    assert.ok(told.includes(`${file} on ${hostname()}`), told);
    await until(() => rig.notes.length > 0);
    assert.match(rig.notes.join('\n'), /teacher\.bin on \S+ left: no such file, and refit\/a depends on it/);
    renameSync(away, file);
    startWorker('w2');
    const outcome = await going;
    assert.deepEqual([outcome.ran, outcome.failed], [1, 0]);
  });
});
