import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bucket, S3Server } from '../runner/store/s3-server.ts';
import { differences } from '../support/compare-libraries.ts';
import { program } from '../support/program.ts';
import { startRedis, whyNoRedis, type TestRedis } from '../support/redis.ts';
import { assertTrained, hashes, smallConfig, succeeded, workplace, type Workplace } from './blockforge.ts';

/** Tables and texts that have measured times in them. */
const timed = /^(manifest\.json|ranking\.\w+|README\.md|report\.\w+)$/;

/** Workers and the run share a queue and a store, and no folder but that of the teacher. */
describe('a run through an object store', function () {
  this.timeout(600_000);
  const server = new S3Server();
  let redis: TestRedis;
  let place: Workplace;
  const workers: { readonly child: ChildProcess; readonly end: Promise<number | null> }[] = [];
  before(async function () {
    const why = whyNoRedis();
    if (why !== undefined) {
      process.stdout.write(`      ${why}\n`);
      return this.skip();
    }
    await server.start();
    redis = await startRedis();
    place = workplace({ ...server.environment, BLOCKFORGE_QUEUE: redis.url });
    return undefined;
  });
  after(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    await (redis as TestRedis | undefined)?.remove();
    await server.dispose();
    (place as Workplace | undefined)?.remove();
  });

  const startWorker = (runs: string): void => {
    const child = spawn(process.execPath, [...program, 'worker', '--runs', runs, '--slots', '1'], {
      cwd: place.folder,
      env: { ...process.env, ...server.environment, BLOCKFORGE_QUEUE: redis.url },
      stdio: 'ignore',
    });
    const end = new Promise<number | null>((resolve) => child.on('close', resolve));
    workers.push({ child, end });
  };
  const filesBelow = (folder: string): string[] => Object.keys(hashes(folder));

  it('makes the library of a local run, and leaves to the workers only what jobs read', async () => {
    const config = place.write(
      'small.yaml',
      smallConfig(`precision: float32
executor: { queue: "\${BLOCKFORGE_QUEUE}", store: "s3://${bucket}/tests" }`),
    );
    const smaller = [
      'data.shapes.images=1500',
      'data.splits.calibration=100',
      'data.splits.selection=100',
      'descendants.sparsities=[0.9]',
      'distill.duration.steps=6',
      'measure.compositions=4',
      'measure.latency.iterations=2',
    ].flatMap((change) => ['--set', change]);
    const folders = ['one', 'two'].map((name) => join(place.folder, name));
    folders.forEach(startWorker);
    succeeded(await place.run([config, '--runs', 'spread', '--executor', 'bullmq', ...smaller]));
    for (const { child } of workers) child.kill('SIGTERM');
    assert.deepEqual(await Promise.all(workers.map(({ end }) => end)), [75, 75]);
    succeeded(await place.run([config, '--runs', 'local', ...smaller]));
    assertTrained(join(place.folder, 'local', 'small'));

    const [spread, local] = ['spread', 'local'].map((runs) => join(place.folder, runs, 'small/library'));
    const manifest = (folder = ''): unknown =>
      JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    const steady = (folder = '') =>
      Object.fromEntries(Object.entries(hashes(folder)).filter(([path]) => !timed.test(path)));
    assert.deepEqual(differences(manifest(local), manifest(spread)), []);
    assert.deepEqual(steady(spread), steady(local));
    assert.deepEqual(
      filesBelow(server.folder).filter((path) => path.endsWith('_object')),
      [],
    );
    for (const folder of folders) {
      const runs = readdirSync(folder);
      assert.match(runs.join(' '), /^small-[0-9a-f]{8}$/);
      const own = join(folder, runs[0]!);
      const kept = filesBelow(own);
      assert.ok(kept.includes('teacher/model/teacher.safetensors'), folder);
      // Of the library the report reads the manifest.
      const strange = /^\.(resume|status)\/|^library\/(?!manifest\.json$)/;
      const temporary = /\.(tmp|attempt)-[0-9a-f]{8}/;
      assert.deepEqual(
        [
          ...kept.filter((path) => strange.test(path)),
          ...readdirSync(own, { recursive: true, encoding: 'utf8' }).filter((path) => temporary.test(path)),
        ],
        [],
      );
    }
  });
});
