import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRequest } from '../../../pipeline/runner/executor.ts';
import { openControllerStore, openWorkerStore } from '../../../pipeline/runner/store/open-store.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { S3Server } from './s3-server.ts';
import { areaIn, Sides, writes } from './sides.ts';

describe('an object store', () => {
  const server = new S3Server();
  let sides: Sides;
  before(async () => {
    await server.start();
  });
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

  /** `order/a` reads two files of `data/a`. */
  const reading = async (id = 'order/a'): Promise<JobRequest> => {
    const outputs = [
      await sides.publish('data/a/value.txt', 'seven'),
      await sides.publish('data/a/deep/empty.bin', ''),
    ];
    return sides.request(id, {
      published: { 'data/a': 'data/a', 'data/b': null },
      inputs: { 'data/a': outputs },
    });
  };

  it('takes inputs to a worker that sees nothing of the run folder, and brings its outputs back', async () => {
    const request = await reading();
    const controller = await sides.controller();
    const offer = await controller.offer(request);
    const worker = await sides.worker('w1', areaIn(offer));
    assert.match(worker.runFolder, /w1\/demo-[0-9a-f]{8}$/);
    const attempt = { ...request, folder: `${request.folder}.attempt-11111111` };
    const reply = await worker.perform(attempt, () => {
      assert.equal(sides.read('w1', areaIn(offer), 'data/a/value.txt'), 'seven');
      assert.equal(sides.read('w1', areaIn(offer), 'data/a/deep/empty.bin'), '');
      return writes(worker, attempt, { 'result.txt': 'eight', 'deep/zero': '' })();
    });
    assert.ok(reply.type === 'finished' && reply.folder === undefined);
    const brought = await controller.bring(request, reply);
    assert.ok(brought.type === 'finished' && brought.folder === undefined);
    assert.equal(sides.read('runs/demo', request.folder, 'result.txt'), 'eight');
    assert.equal(statSync(join(sides.runFolder, request.folder, 'deep/zero')).size, 0);
    for (const { path, mtimeMs, ctimeMs } of brought.outputs) {
      const found = statSync(join(sides.runFolder, request.folder, path));
      assert.deepEqual([mtimeMs, ctimeMs], [found.mtimeMs, found.ctimeMs], path);
    }
    assert.deepEqual(readdirSync(join(sides.runFolder, request.folder)).sort(), ['deep', 'result.txt']);
  });

  it('sends and brings nothing twice', async () => {
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(await reading()));
    const worker = await sides.worker('w1', area);
    const first = await reading();
    const reply = await worker.perform(first, writes(worker, first, { 'result.txt': 'eight' }));
    await controller.bring(first, reply);
    assert.deepEqual([server.count('PUT', '/objects/'), server.count('GET', '/objects/')], [3, 3]);

    const second = await reading('refit/a');
    const both = {
      ...second,
      published: { ...second.published, 'order/a': 'order/a' },
      inputs: { ...second.inputs, 'order/a': [await sides.publish('order/a/result.txt', 'eight')] },
    };
    server.requests = [];
    await controller.offer(both);
    assert.deepEqual([server.count('HEAD'), server.count('PUT', '/objects/')], [0, 0]);
    await worker.perform(both, writes(worker, both, { 'result.txt': 'eight' }));
    assert.deepEqual([server.count('PUT', '/objects/'), server.count('GET', '/objects/')], [0, 1]);

    server.requests = [];
    const again = await sides.controller();
    await again.offer(both);
    assert.equal(areaIn(await again.offer(both)), area, 'who comes back finds what was made meanwhile');
    assert.equal(server.count('PUT', '/objects/'), 0);
  });

  it('trusts a kept file by its content alone, and a job whose inputs were exchanged meanwhile is done again', async () => {
    const request = await reading();
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const worker = await sides.worker('w1', area);
    await worker.perform(request, writes(worker, request, {}));
    const kept = join(worker.runFolder, 'data/a/value.txt');
    const { atimeMs, mtimeMs } = statSync(kept);
    writeFileSync(kept, 'three');
    utimesSync(kept, atimeMs / 1000, mtimeMs / 1000);
    const reply = await worker.perform(request, async () => {
      assert.equal(sides.read('w1', area, 'data/a/value.txt'), 'seven');
      writeFileSync(kept, 'eight');
      return writes(worker, request, {})();
    });
    assert.ok(reply.type === 'failed' && reply.passing === true);
    assert.match(reply.failure.found, /exchanged while order\/a may have read it/);
  });

  it('finds a damaged object: it comes once more, is removed, and is sent again with the next try', async () => {
    const request = await reading();
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const worker = await sides.worker('w1', area);
    const key = `tests/${area}/objects/${request.inputs['data/a']![0]!.sha256}`;
    for (const content of ['eight', 'a much longer text', 'shrt']) {
      writeFileSync(server.fileOf(key), content);
      server.requests = [];
      const reply = await worker.perform(request, () => assert.fail('it has not what it reads'));
      assert.ok(reply.type === 'failed' && reply.passing === true, content);
      assert.match(reply.failure.found, /damaged/);
      assert.deepEqual([server.count('GET', key), server.count('DELETE', key)], [2, 1], content);
      assert.deepEqual(readdirSync(join(worker.runFolder, 'data/a')), ['deep'], 'nothing half is left');
      await controller.offer(request);
      assert.equal(server.count('PUT', key), 1);
    }
    const reply = await worker.perform(request, writes(worker, request, { x: 'y' }));
    assert.ok(reply.type === 'finished');
    rmSync(server.fileOf(`tests/${area}/objects/${reply.outputs[0]!.sha256}`));
    const brought = await controller.bring(request, reply);
    assert.ok(brought.type === 'failed' && brought.passing === true);
    assert.match(brought.failure.found, /not there any more/);
  });

  it('waits for a server that comes back, and gives up one that does not', async () => {
    const request = await reading();
    const waiting = await sides.controller(Array.from({ length: 100 }, () => 50));
    const hasty = await sides.controller();
    await server.stop();
    const given = await hasty.offer(request);
    assert.ok(given.type === 'failed' && given.passing === true);
    assert.equal(given.failure.reason, 'place-unusable');
    const going = waiting.offer(request);
    await sleep(100);
    await server.start();
    const area = areaIn(await going);
    const worker = await sides.worker('w1', area);
    await server.stop();
    const lost = await worker.perform(request, () => assert.fail('it has not what it reads'));
    assert.ok(lost.type === 'failed' && lost.passing === true);
    const stop = new AbortController();
    const another = await sides.publish('data/c/x', 'another');
    const parts = { published: { 'data/c': 'data/c' }, inputs: { 'data/c': [another] } };
    const stopping = waiting.offer(sides.request('refit/a', parts), stop.signal);
    stop.abort();
    assert.deepEqual(await stopping, { type: 'interrupted' });
    await server.start();
  });

  it('that cannot be used is told of once, at the start, without secrets', async () => {
    const refused = async (changes: Record<string, string>, store: string, found: RegExp) => {
      server.enter(changes);
      await assert.rejects(openControllerStore(store, sides.runFolder), (error: BlockForgeError) => {
        assert.equal(error.failure.reason, 'place-unusable');
        assert.match(error.message, found);
        assert.doesNotMatch(error.message, /S3RVER|mistaken/);
        return true;
      });
      server.enter();
    };
    await refused(
      { AWS_ACCESS_KEY_ID: 'mistaken' },
      's3://files/x',
      /s3:\/\/files\/x: the server does not know the key/,
    );
    await refused({}, 's3://other', /s3:\/\/other: there is no such bucket/);
    await server.stop();
    await assert.rejects(
      sides.controller(),
      /s3:\/\/files\/tests: the object store does not answer as it should \(ECONNREFUSED\)/,
    );
    await server.start();
  });

  it('that answers to a wrong secret as S3 documents it is told of as that', async () => {
    const answer =
      '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we ' +
      'calculated does not match</Message><AWSAccessKeyId>S3RVER</AWSAccessKeyId><RequestId>1</RequestId></Error>';
    const strict = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/xml' }).end(answer);
    });
    await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
    server.enter({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(strict.address() as AddressInfo).port}` });
    try {
      await assert.rejects(
        openControllerStore('s3://files/x', sides.runFolder),
        ({ failure }: BlockForgeError) =>
          failure.reason === 'place-unusable' &&
          failure.found === 'the server does not accept the secret key' &&
          !JSON.stringify(failure).includes('S3RVER'),
      );
    } finally {
      strict.closeAllConnections();
      await new Promise((resolve) => strict.close(resolve));
    }
  });

  it('is opened by the words of a config and by a ticket; a ticket leads below the runs of a worker only', async () => {
    const request = await reading();
    const controller = await openControllerStore('s3://files/a/b', sides.runFolder);
    const offer = await controller.offer(request);
    assert.ok(offer.type === 'offered');
    const worker = await openWorkerStore(offer.ticket, join(sides.folder, 'w1'));
    const reply = await worker.perform(request, writes(worker, request, { x: 'y' }));
    assert.equal((await controller.bring(request, reply)).type, 'finished');
    await controller.close(true);
    for (const folder of ['../x', '..', 'a/b', '']) {
      await assert.rejects(
        openWorkerStore({ ...offer.ticket, folder }, sides.folder),
        /names the run folder/,
      );
    }
    const shared = await openControllerStore('folder', sides.runFolder);
    assert.deepEqual(await shared.offer(request), {
      type: 'offered',
      ticket: { store: 'folder', folder: 'demo' },
    });
  });

  it('is empty of a run that has ended, and of no other', async () => {
    const request = await reading();
    const controller = await sides.controller();
    const area = areaIn(await controller.offer(request));
    const other = new Sides();
    const neighbour = await other.controller();
    const theirs = areaIn(
      await neighbour.offer(
        other.request('order/a', {
          published: { 'data/a': 'data/a' },
          inputs: { 'data/a': [await other.publish('data/a/x', 'x')] },
        }),
      ),
    );
    assert.notEqual(area, theirs);
    const objects = (name: string) => {
      const folder = join(server.folder, 'files/tests', name, 'objects');
      return existsSync(folder) ? readdirSync(folder).length : 0;
    };
    assert.ok(objects(area) > 0);
    await (await sides.controller()).close(true);
    assert.ok(objects(area) > 0, 'nothing was done');
    await controller.close(false);
    assert.ok(objects(area) > 0, 'workers are at work still');
    const last = await sides.controller();
    await last.offer(request);
    await last.close(true);
    assert.equal(objects(area), 0);
    assert.ok(objects(theirs) > 0);
    other.dispose();
  });
});
