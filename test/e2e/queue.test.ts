import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences } from '../support/compare-libraries.ts';
import { program } from '../support/program.ts';
import { startRedis, whyNoRedis, type TestRedis } from '../support/redis.ts';
import { assertTrained, smallConfig, succeeded, workplace, type Workplace } from './blockforge.ts';

const seed = 15;

/** Workers are killed every few seconds, the server and the controller once each: nothing is lost, and nothing comes out otherwise. */
describe('a run through a queue', function () {
  this.timeout(600_000);
  let redis: TestRedis;
  let place: Workplace;
  const workers = new Set<ChildProcess>();
  before(async function () {
    const why = whyNoRedis();
    if (why !== undefined) {
      process.stdout.write(`      ${why}\n`);
      return this.skip();
    }
    redis = await startRedis();
    place = workplace({ BLOCKFORGE_QUEUE: redis.url, BLOCKFORGE_LOCK_SECONDS: '3' });
    return undefined;
  });
  after(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await (redis as TestRedis | undefined)?.remove();
    (place as Workplace | undefined)?.remove();
  });

  const startWorker = (): void => {
    const worker = spawn(process.execPath, [...program, 'worker', '--runs', join(place.folder, 'queued')], {
      cwd: place.folder,
      env: { ...process.env, BLOCKFORGE_QUEUE: redis.url, BLOCKFORGE_LOCK_SECONDS: '3' },
      stdio: 'ignore',
    });
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  };

  it(`makes the library of a local run, whatever is killed meanwhile (seed ${seed})`, async () => {
    const config = place.write(
      'small.yaml',
      smallConfig(
        'precision: float32\nexecutor: { queue: "${BLOCKFORGE_QUEUE}", retries: { times: 20, waitSeconds: 1 } }',
      )
        .replace('[0.5, 0.75]', '[0.8, 0.9]')
        .replace('steps: 20', 'steps: 60'),
    );
    succeeded(await place.run([config, '--runs', 'local']));
    assertTrained(join(place.folder, 'local', 'small'));

    for (let count = 0; count < 3; count++) startWorker();
    const chaos = new AbortController();
    const random = randomNumbers(seed);
    const killing = (async () => {
      for (let round = 0; ; round++) {
        await sleep(4000 + 3000 * random(), undefined, { signal: chaos.signal }).catch(() => undefined);
        if (chaos.signal.aborted) return;
        if (round === 1) {
          await redis.kill();
          await redis.start();
          continue;
        }
        const victims = [...workers];
        victims[Math.floor(random() * victims.length)]?.kill('SIGKILL');
        startWorker();
      }
    })();
    const command = [config, '--runs', 'queued', '--executor', 'bullmq'];
    let done = 0;
    const first = await place.run(command, (event, kill) => {
      if (event.type === 'job-finished' && ++done === 4) kill('SIGKILL');
    });
    assert.equal(first.code, null, first.stderr);
    const second = await place.run(command);
    chaos.abort();
    await killing;
    succeeded(second);
    const [local, queued] = ['local', 'queued'].map(
      (runs) =>
        JSON.parse(readFileSync(join(place.folder, runs, 'small/library/manifest.json'), 'utf8')) as unknown,
    );
    assert.deepEqual(differences(local, queued), []);
  });
});

/** Equal numbers in [0, 1) for equal seeds: mulberry32. */
function randomNumbers(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
