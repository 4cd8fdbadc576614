import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobReply, JobRequest } from '../../../pipeline/runner/executor.ts';
import type { WorkerStore } from '../../../pipeline/runner/store/contract.ts';
import { takeSnapshot } from '../../../pipeline/runner/store/object/snapshot.ts';
import { sha256 } from '../../../pipeline/util/hash.ts';
import { S3Server } from './s3-server.ts';
import { areaIn, Sides, writes } from './sides.ts';

describe('a checkpoint in an object store', () => {
  const server = new S3Server();
  let sides: Sides;
  before(() => server.start());
  after(() => server.dispose());
  beforeEach(() => {
    server.enter();
    server.requests = [];
    sides = new Sides();
  });
  afterEach(() => {
    server.leave();
    sides.dispose();
  });

  const folderOf = (worker: WorkerStore, request: JobRequest) => join(worker.runFolder, request.resumeFolder);
  const found = (folder: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((name) => name !== '.stored')
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );

  /** Work that notes what it goes on from, leaves a checkpoint and is interrupted. */
  const works =
    (worker: WorkerStore, request: JobRequest, seen: unknown[], files: Record<string, string>) =>
    (): Promise<JobReply> => {
      const folder = folderOf(worker, request);
      seen.push(found(folder));
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
      return Promise.resolve({ type: 'interrupted' });
    };

  it('moves with its job from worker to worker, to the controller, and goes with the job', async () => {
    const request = sides.request('distill/a');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const seen: unknown[] = [];
    const [one, two] = [await sides.worker('w1', area), await sides.worker('w2', area)];
    const interrupted = await one.perform(request, works(one, request, seen, { step: '1', other: 'x' }));
    assert.equal(interrupted.type, 'interrupted');
    rmSync(join(folderOf(one, request), 'other'));
    await two.perform(request, works(two, request, seen, { step: '2' }));
    await one.perform(request, works(one, request, seen, { step: '3' }));
    assert.deepEqual(seen, [{}, { step: '1', other: 'x' }, { step: '2', other: 'x' }]);
    assert.deepEqual(await controller.bring(request, interrupted), interrupted);
    const here = join(sides.runFolder, request.resumeFolder);
    assert.deepEqual(found(here), { step: '3', other: 'x' });
    const kept = join(server.folder, 'files/tests', area, 'checkpoints', request.fingerprint);
    assert.equal(
      readdirSync(kept).filter((name) => name.endsWith('_object')).length,
      3,
      'state, step and other',
    );
    const reply = await two.perform(request, writes(two, request, { x: 'y' }));
    assert.equal((await controller.bring(request, reply)).type, 'finished');
    assert.equal(server.count('DELETE', '/checkpoints/') >= 3, true);
    assert.ok(!existsSync(kept) || readdirSync(kept).length === 0);
  });

  it('of the controller, from a run without workers, is gone on with', async () => {
    const request = sides.request('distill/a');
    writeFileSync(join(sides.runFolder, request.resumeFolder, 'step'), '7');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const seen: unknown[] = [];
    const worker = await sides.worker('w1', area);
    await worker.perform(request, works(worker, request, seen, { step: '8' }));
    // The store has a newer one now: the controller's own is not sent again.
    await controller.offer(request);
    await worker.perform(request, works(worker, request, seen, {}));
    assert.deepEqual(seen, [{ step: '7' }, { step: '8' }]);
  });

  it('of another fingerprint is never handed out, by the store or by what lies on the worker', async () => {
    const request = sides.request('distill/a');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const seen: unknown[] = [];
    const worker = await sides.worker('w1', area);
    await worker.perform(request, works(worker, request, seen, { step: '1' }));
    const other = {
      ...request,
      fingerprint: sha256('other settings') as string as JobRequest['fingerprint'],
    };
    await controller.offer(other);
    await worker.perform(other, works(worker, other, seen, { step: '1 of other' }));
    assert.deepEqual(seen, [{}, {}]);
  });

  it('is saved while the job is at work, and not by a worker from whom it was taken', async () => {
    const request = sides.request('distill/a');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const [lost, other] = [await sides.worker('w1', area, 30), await sides.worker('w2', area, 30)];
    const seen: unknown[] = [];
    let saves = 0;
    const reply = lost.perform(request, async () => {
      const step = join(folderOf(lost, request), 'step');
      writeFileSync(step, '1');
      const state = server.fileOf(`tests/${area}/checkpoints/${request.fingerprint}/state.json`);
      while (!readFileSync(state, 'utf8').includes(sha256('1'))) await sleep(5);
      await other.perform(request, works(other, request, seen, { step: 'of the other' }));
      saves = server.count('PUT', 'state.json');
      writeFileSync(step, 'late');
      await sleep(150);
      return { type: 'interrupted' };
    });
    assert.equal((await reply).type, 'interrupted');
    assert.deepEqual(seen, [{ step: '1' }]);
    assert.equal(server.count('PUT', 'state.json'), saves);
    await other.perform(request, works(other, request, seen, {}));
    assert.deepEqual(seen[1], { step: 'of the other' });
  });

  it('that is damaged costs the work in it, not the job', async () => {
    const request = sides.request('distill/a');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const seen: unknown[] = [];
    const one = await sides.worker('w1', area);
    await one.perform(request, works(one, request, seen, { step: '1' }));
    writeFileSync(server.fileOf(`tests/${area}/checkpoints/${request.fingerprint}/${sha256('1')}`), '2');
    const two = await sides.worker('w2', area);
    await two.perform(request, works(two, request, seen, { step: '1' }));
    writeFileSync(server.fileOf(`tests/${area}/checkpoints/${request.fingerprint}/state.json`), '{"half');
    const three = await sides.worker('w3', area);
    await three.perform(request, works(three, request, seen, {}));
    assert.deepEqual(seen, [{}, {}, {}]);
  });

  it('is of one moment: files that are exchanged meanwhile are taken anew, of those that grow the beginning', async () => {
    const folder = join(sides.folder, 'resume');
    mkdirSync(folder);
    assert.equal(await takeSnapshot(folder), undefined);
    writeFileSync(join(folder, 'tokens'), 'abc');
    writeFileSync(join(folder, 'state'), '1');
    writeFileSync(join(folder, 'state.tmp-0123abcd'), 'half');
    const snapshot = await takeSnapshot(folder);
    assert.ok(snapshot !== undefined);
    assert.deepEqual(
      snapshot.files.map(({ path, sizeBytes }) => [path, sizeBytes]),
      [
        ['state', 1],
        ['tokens', 3],
      ],
    );
    appendFileSync(join(folder, 'tokens'), 'def');
    writeFileSync(join(folder, 'next'), '2');
    renameSync(join(folder, 'next'), join(folder, 'state'));
    assert.equal(readFileSync(snapshot.files[0]!.full, 'utf8'), '1');
    assert.equal(snapshot.files[1]!.sha256, sha256('abc'));
    await snapshot.dispose();
    assert.deepEqual(readdirSync(sides.folder).sort(), ['resume', 'runs']);
    const next = await takeSnapshot(folder);
    assert.notEqual(next?.signature, snapshot.signature);
    await next?.dispose();
    assert.equal(await takeSnapshot(folder, (signature) => signature === next?.signature), undefined);
  });

  it('keeps the beginning alone of a file that grew while it was sent', async () => {
    const request = sides.request('statistics/a');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const one = await sides.worker('w1', area, 20);
    const growing = (): Promise<JobReply> =>
      new Promise((resolve) => {
        const file = join(folderOf(one, request), 'tokens');
        const timer = setInterval(() => {
          appendFileSync(file, 'x'.repeat(1000));
          if (server.count('PUT', 'state.json') < 4) return;
          clearInterval(timer);
          // As if its machine were gone: nothing is saved at the end.
          rmSync(folderOf(one, request), { recursive: true });
          resolve({ type: 'interrupted' });
        }, 1);
      });
    await one.perform(request, growing);
    const two = await sides.worker('w2', area);
    const seen: Record<string, string>[] = [];
    await two.perform(request, works(two, request, seen, {}));
    const { tokens = '' } = seen[0]!;
    assert.match(tokens, /^x+$/);
    assert.equal(tokens.length % 1000, 0);
  });
});

describe('what users put beside outputs that are handed on', () => {
  const server = new S3Server();
  const sides = new Sides();
  before(async () => {
    await server.start();
    server.enter();
  });
  after(async () => {
    sides.dispose();
    await server.dispose();
  });

  it('is seen by the job on a worker as far as it is small, and what is gone is not seen any more', async () => {
    const plain = sides.request('export/all');
    const request = { ...plain, job: { ...plain.job, folder: 'library' } };
    await sides.publish('library/models/a/composition.json', '{}');
    await sides.publish('library/models/a/frame.safetensors', new Uint8Array(2 ** 20 + 1));
    await sides.publish('library/set-aside/old.json', '{}');
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const worker = await sides.worker('w1', area);
    const place = join(worker.runFolder, 'library');
    const listed = (): string[] =>
      readdirSync(place, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name);
    const unfit = [{ path: 'models/a', why: 'it is of another' }];
    const reply = await worker.perform(request, async () => {
      assert.deepEqual(listed(), ['composition.json']);
      return { ...(await writes(worker, request, { 'manifest.json': '1' })()), unfit };
    });
    const brought = await controller.bring(request, reply);
    assert.ok(brought.type === 'finished');
    assert.deepEqual(brought.unfit, unfit);
    rmSync(join(sides.runFolder, 'library/models'), { recursive: true });
    await controller.offer(request);
    await worker.perform(request, () => {
      assert.deepEqual(listed(), []);
      return writes(worker, request, {})();
    });
  });
});
