import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOutcome } from '../../../pipeline/runner/run.ts';
import { openHosts, whyNoHosts, type TestHosts } from '../../support/hosts.ts';
import { present } from '../../support/present.ts';
import { whyNoRedis } from '../../support/redis.ts';
import { job, Rig } from '../rig.ts';
import { QueueRig, type RunningWorker } from './queue-rig.ts';

const jobs = [
  job('order/a'),
  job('rank/b', { needs: ['order/a'] }),
  job('rank/c', { needs: ['order/a'] }),
  job('report/all', { needs: ['rank/b', 'rank/c'] }),
];

/** Two workers on hosts of their own, the server and the controller on a third one, and a folder that all see. */
describe('a queue over two hosts', function () {
  this.timeout(120_000);
  let hosts: TestHosts | undefined;
  let rig: QueueRig | undefined;
  let undisturbed: unknown;
  let frozen: number | undefined;
  before(async function () {
    const why = whyNoRedis() ?? whyNoHosts();
    if (why !== undefined) {
      process.stdout.write(`      ${why}\n`);
      return this.skip();
    }
    hosts = openHosts(2);
    const local = new Rig();
    local.jobs = jobs;
    await local.run();
    undisturbed = contents(local.runFolder);
    return local.dispose();
  });
  after(() => hosts?.remove());
  beforeEach(async () => {
    rig = new QueueRig(4);
    rig.jobs = jobs;
    rig.behave('order/a', { waitFor: 'go' });
    rig.behave('rank/b', { waitFor: 'later' });
    rig.behave('rank/c', { waitFor: 'later' });
    await rig.open(present(hosts).address);
  });
  afterEach(async () => {
    // Its worker cannot end it, where the test failed before.
    if (frozen !== undefined) process.kill(frozen, 'SIGCONT');
    frozen = undefined;
    await rig?.close();
    for (const host of hosts?.hosts ?? []) host.mend();
  });

  /** Starts a worker on each host, and the run. */
  const start = async (queue: QueueRig) => {
    const workers = present(hosts).hosts.map((host) => ({ host, worker: queue.worker({}, host.inside) }));
    await queue.until(() => workers.every(({ worker }) => worker.lines.length > 0), 40);
    const going = queue.runQueued();
    await queue.until(() => queue.started().length === 1);
    await queue.said('job-started', 'order/a');
    const isBusy = ({ worker }: { worker: RunningWorker }) => count(worker, 'job-started') > 0;
    const busy = present(workers.find(isBusy));
    const idle = present(workers.find((each) => !isBusy(each)));
    return { going, busy, other: idle.worker, child: present(queue.log().find(isStart)).pid };
  };

  /** @returns what the controller published of the job by then */
  const doneByOther = async (queue: QueueRig, other: RunningWorker): Promise<string> => {
    await queue.until(() => count(other, 'job-started') === 2);
    return readFileSync(join(queue.runFolder, 'order/a/done.json'), 'utf8');
  };

  /** The worker is served again by itself, and nobody sees of the run that it was away. */
  const endsWell = async (queue: QueueRig, going: Promise<RunOutcome>, busy: RunningWorker) => {
    await queue.until(() => count(busy, 'job-started') === 2, 40);
    queue.release('later');
    assert.equal((await going).ran, 4);
    assert.equal(queue.started().length, 5);
    assert.deepEqual(contents(queue.runFolder), undisturbed);
    assert.deepEqual(attemptFolders(queue.runFolder), []);
  };

  it('ends a job whose worker is cut off before another one has it, and serves that worker when it is back', async () => {
    const queue = present(rig);
    const { going, busy, other, child } = await start(queue);
    busy.host.cut();
    await queue.until(() => count(busy.worker, 'job-returned') === 1 || count(other, 'job-started') > 0);
    assert.equal(count(other, 'job-started'), 0, 'the job was ended before its lock was lost');
    await queue.said('job-started', 'order/a', other);
    await queue.until(() => queue.started().length === 2);
    assert.deepEqual(
      queue.log().flatMap((line) => (isStart(line) ? [[line.pid === child, line.checkpoint]] : [])),
      [
        [true, undefined],
        [false, 'step 41'],
      ],
    );
    queue.release('go');
    await doneByOther(queue, other);
    busy.host.mend();
    await endsWell(queue, going, busy.worker);
  });

  it('refuses the result of a worker that ended its job when it was cut off', async () => {
    const queue = present(rig);
    const { going, busy, other } = await start(queue);
    busy.host.cut();
    queue.release('go');
    await queue.until(() => count(busy.worker, 'job-finished') === 1);
    const published = await doneByOther(queue, other);
    busy.host.mend();
    const refusal = 'order/a: its result came too late, somebody else has the job';
    const isRefused = () => busy.worker.lines.some((line) => line.type === 'note' && line.text === refusal);
    await queue.until(isRefused, 40);
    await endsWell(queue, going, busy.worker);
    assert.equal(readFileSync(join(queue.runFolder, 'order/a/done.json'), 'utf8'), published);
  });

  it('has no use for the late result of a worker that was frozen too', async () => {
    const queue = present(rig);
    const { going, busy, other, child } = await start(queue);
    busy.host.cut();
    busy.worker.child.kill('SIGSTOP');
    process.kill(child, 'SIGSTOP');
    frozen = child;
    await queue.said('job-started', 'order/a', other);
    queue.release('go');
    const published = await doneByOther(queue, other);
    process.kill(child, 'SIGCONT');
    frozen = undefined;
    await queue.until(() => queue.log().some(({ type, pid }) => type === 'end' && pid === child));
    busy.worker.child.kill('SIGCONT');
    busy.host.mend();
    await endsWell(queue, going, busy.worker);
    assert.equal(readFileSync(join(queue.runFolder, 'order/a/done.json'), 'utf8'), published);
  });
});

const isStart = ({ type }: { type: string }): boolean => type === 'start';

function count(worker: RunningWorker, type: string): number {
  return worker.lines.filter((line) => line.type === type).length;
}

function filesOf(runFolder: string): readonly string[] {
  return readdirSync(runFolder, { recursive: true, encoding: 'utf8' }).sort();
}

/** Without the records of workers, which go on writing them: one may be on its way to its name at any time. */
function attemptFolders(runFolder: string): readonly string[] {
  const ofJobs = filesOf(runFolder).filter((path) => !path.startsWith('.status'));
  return ofJobs.filter((path) => path.includes('.attempt-') || path.includes('.tmp-'));
}

/** What came of the jobs: their files but for the one that says how long it took. */
function contents(runFolder: string): unknown {
  const files = filesOf(runFolder).filter((path) => /^(order|rank|report)\/.*\.txt$/.test(path));
  return files.map((path) => [path, readFileSync(join(runFolder, path), 'utf8')]);
}
