import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchFromHub } from '../../pipeline/hub/hub.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { asHuggingface, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

interface Served {
  readonly body: Buffer;
  /** Cuts the connection after so many bytes of each answer, this many times. */
  cuts?: number;
  digest?: string;
  status?: number;
}

/** A hub of one model: `/o/m/resolve/main/FILE` redirects to `/cdn/FILE`, like the real one does for large files. */
function hub(files: Map<string, Served>, log: IncomingMessage[], stored: (name: string) => number): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    log.push(request);
    const url = present(request.url);
    const name = present(/\/([^/]+)$/.exec(url))[1]!;
    const file = files.get(name);
    if (file === undefined) return void response.writeHead(404).end('not here');
    if (file.status !== undefined) return void response.writeHead(file.status).end();
    const digest = file.digest ?? createHash('sha256').update(file.body).digest('hex');
    if (!url.startsWith('/cdn/')) {
      response.writeHead(302, {
        location: `/cdn/${name}`,
        'x-linked-etag': `"${digest}"`,
        'x-linked-size': file.body.length,
      });
      return void response.end();
    }
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= file.body.length) return void response.writeHead(416).end();
    const rest = file.body.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length });
    if (file.cuts !== undefined && file.cuts > 0) {
      file.cuts--;
      const half = rest.length >> 1;
      response.write(rest.subarray(0, half));
      // Not before it has arrived: what is on its way is lost with the line.
      const timer = setInterval(() => {
        if (stored(name) < start + half) return;
        clearInterval(timer);
        response.destroy();
      }, 2);
    } else response.end(rest);
  });
}

describe('checkpoint/hub', () => {
  let cache: string;
  let server: Server;
  let environment: Record<string, string>;
  let weights: Buffer;
  const files = new Map<string, Served>();
  const log: IncomingMessage[] = [];
  const config = { model_type: 'vit', num_attention_heads: 2, layer_norm_eps: 1e-12, hidden_act: 'gelu' };

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-hub-source-'));
    await writeSafetensors(join(folder, 'w'), asHuggingface(strongWeights(tinyArchitecture)));
    weights = await readFile(join(folder, 'w'));
    await rm(folder, { recursive: true });
    const part = (name: string): string => join(cache, 'hub', 'o--m', 'main', `${name}.part`);
    server = hub(files, log, (name) => statSync(part(name), { throwIfNoEntry: false })?.size ?? 0);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'blockforge-hub-'));
    environment = {
      BLOCKFORGE_CACHE: cache,
      HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    };
    log.length = 0;
    files.clear();
    files.set('model.safetensors', { body: weights });
    files.set('config.json', { body: Buffer.from(JSON.stringify(config)) });
  });
  afterEach(() => rm(cache, { recursive: true }));

  async function failure(promise: Promise<unknown>): Promise<BlockForgeError['failure']> {
    const error: unknown = await promise.then(
      () => assert.fail('no failure'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof BlockForgeError, String(error));
    return error.failure;
  }

  it('downloads weights and config, reports progress, and needs no network the second time', async () => {
    const seen: number[] = [];
    const onProgress = ({
      file,
      doneBytes,
      totalBytes,
    }: {
      file: string;
      doneBytes: number;
      totalBytes?: number;
    }) => {
      if (file !== 'model.safetensors') return;
      assert.equal(totalBytes, weights.length);
      seen.push(doneBytes);
    };
    const folder = await fetchFromHub('hf:o/m', {
      environment: { ...environment, HF_TOKEN: 'secret' },
      onProgress,
    });
    assert.deepEqual((await readdir(folder)).sort(), ['config.json', 'model.safetensors']);
    assert.deepEqual(await readFile(join(folder, 'model.safetensors')), weights);
    assert.equal(seen.at(-1), weights.length);
    assert.equal(log[0]!.headers.authorization, 'Bearer secret');
    assert.ok(log.some(({ url }) => url === '/o/m/resolve/main/model.safetensors'));
    const requests = log.length;
    const inspection = await inspectCheckpoint('hf:o/m', { hub: { environment } });
    assert.equal(log.length, requests);
    assert.deepEqual(inspection.architecture, { ...tinyArchitecture, layerNormEpsilon: 1e-12 });
  });

  it('continues where the line was cut', async () => {
    present(files.get('model.safetensors')).cuts = 2;
    const folder = await fetchFromHub('hf:o/m', { environment });
    assert.deepEqual(await readFile(join(folder, 'model.safetensors')), weights);
    const ranges = log
      .filter(({ url }) => url === '/cdn/model.safetensors')
      .map(({ headers }) => headers.range);
    const half = weights.length >> 1;
    assert.deepEqual(ranges, [
      undefined,
      `bytes=${half}-`,
      `bytes=${half + ((weights.length - half) >> 1)}-`,
    ]);
  });

  it('keeps what it has when the line stays bad, and a later call continues', async () => {
    present(files.get('model.safetensors')).cuts = 4;
    const { reason, found } = await failure(fetchFromHub('hf:o/m', { environment }));
    assert.equal(reason, 'download-failed');
    assert.match(found, /bytes are kept and will be continued/);
    log.length = 0;
    await fetchFromHub('hf:o/m', { environment });
    assert.match(
      present(present(log.find(({ url }) => url === '/cdn/model.safetensors')).headers.range),
      /^bytes=[1-9]\d*-$/,
    );
  });

  it('refuses wrong bytes and starts anew afterwards', async () => {
    files.set('model.safetensors', { body: weights, digest: 'a'.repeat(64) });
    const { reason, found, next } = await failure(fetchFromHub('hf:o/m', { environment }));
    assert.equal(reason, 'download-failed');
    assert.match(found, /SHA-256 [0-9a-f]{64} instead of a{64}/);
    assert.match(present(next), /starts this file anew/);
    const folder = join(cache, 'hub', 'o--m', 'main');
    assert.deepEqual(await readdir(folder), ['config.json']);
    files.set('model.safetensors', { body: weights });
    await fetchFromHub('hf:o/m', { environment });
    assert.equal((await stat(join(folder, 'model.safetensors'))).size, weights.length);
  });

  it('loads a sharded model, its index last', async () => {
    files.delete('model.safetensors');
    files.set('a.safetensors', { body: weights });
    const index = JSON.stringify({ weight_map: { x: 'a.safetensors' } });
    files.set('model.safetensors.index.json', { body: Buffer.from(index) });
    const folder = await fetchFromHub('hf:o/m@v1.0', { environment });
    assert.match(folder, /o--m.v1\.0$/);
    assert.equal((await inspectCheckpoint('hf:o/m@v1.0', { hub: { environment } })).files.length, 3);
  });

  it('says what to do without weights, without permission and without network', async () => {
    files.delete('model.safetensors');
    assert.match((await failure(fetchFromHub('hf:o/m', { environment }))).found, /no model\.safetensors at /);
    files.set('model.safetensors', { body: weights, status: 401 });
    assert.match(present((await failure(fetchFromHub('hf:o/m', { environment }))).next), /HF_TOKEN/);
    const nowhere = { BLOCKFORGE_CACHE: cache, HF_ENDPOINT: 'http://127.0.0.1:9' };
    const { reason, found, next } = await failure(fetchFromHub('hf:o/x', { environment: nowhere }));
    assert.equal(reason, 'download-failed');
    assert.match(found, /fetch failed/);
    assert.match(present(next), /download model\.safetensors and config\.json of o\/x by hand/);
  });

  it('keeps no web page, no pointer and no half file as weights or config', async () => {
    const page = Buffer.from('<!DOCTYPE html><title>Log in</title>');
    const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n');
    for (const [name, body, expected] of [
      ['model.safetensors', page, /a web page in its place/],
      ['model.safetensors', pointer, /a Git LFS pointer/],
      ['model.safetensors', weights.subarray(0, -40), /tensor .*: bytes \d+\.\.\d+ of \d+/],
      ['config.json', page, /a web page in its place/],
      ['config.json', Buffer.from('[1]'), /no JSON object/],
      ['config.json', Buffer.alloc(17e6, ' '), /17000000 bytes/],
    ] as const) {
      await rm(join(cache, 'hub'), { recursive: true, force: true });
      const right = present(files.get(name));
      files.set(name, { body });
      const { reason, found } = await failure(fetchFromHub('hf:o/m', { environment }));
      assert.equal(reason, 'download-failed');
      assert.match(found, expected);
      const kept = await readdir(join(cache, 'hub', 'o--m', 'main'));
      assert.ok(!kept.some((file) => file.startsWith(name)), kept.join());
      files.set(name, right);
    }
    await fetchFromHub('hf:o/m', { environment });
  });

  it('gives the token to no other host, follows few redirects, and none to anything but the web', async () => {
    const strange: IncomingMessage[] = [];
    let target = '';
    const other = createServer((request, response) => {
      strange.push(request);
      const name = present(request.url).split('/').pop();
      if (name === 'model.safetensors') response.end(weights);
      else response.writeHead(404).end();
    });
    const front = createServer((request, response) => {
      response.writeHead(302, { location: target + present(request.url) }).end();
    });
    const portOf = async (from: Server): Promise<number> => {
      await new Promise<void>((resolve) => from.listen(0, '127.0.0.1', resolve));
      return (from.address() as AddressInfo).port;
    };
    const [otherPort, frontPort] = [await portOf(other), await portOf(front)];
    try {
      const mirror = { ...environment, HF_TOKEN: 'secret', HF_ENDPOINT: `http://127.0.0.1:${frontPort}` };
      target = `http://127.0.0.1:${otherPort}`;
      await fetchFromHub('hf:o/m', { environment: mirror });
      assert.ok(strange.length > 0);
      assert.ok(strange.every(({ headers }) => headers.authorization === undefined));
      target = '';
      assert.match(
        (await failure(fetchFromHub('hf:o/loop', { environment: mirror }))).found,
        /too many redirects/,
      );
      for (target of ['file:///etc/passwd?', 'ftp://127.0.0.1/', 'data:application/json,{}#']) {
        const { found, expected } = await failure(fetchFromHub('hf:o/odd', { environment: mirror }));
        assert.match(found, /it leads to (?:file|ftp|data):/);
        assert.equal(expected, 'https');
      }
    } finally {
      for (const one of [other, front]) {
        one.closeAllConnections();
        one.close();
      }
    }
    for (const HF_ENDPOINT of ['ftp://mirror', 'mirror.example', 'https://user:word@mirror']) {
      const told = await failure(fetchFromHub('hf:o/m2', { environment: { ...environment, HF_ENDPOINT } }));
      assert.equal(told.subject, 'HF_ENDPOINT');
    }
  });

  it('finds what is damaged in the cache, says so and loads that anew, and only that', async () => {
    const folder = await fetchFromHub('hf:o/m', { environment });
    for (const [name, body] of [
      ['model.safetensors', weights.subarray(0, -1)],
      ['model.safetensors', Buffer.from('<html>')],
      ['model.safetensors', Buffer.alloc(0)],
      ['config.json', Buffer.from('{"model_type": "v')],
    ] as const) {
      await writeFile(join(folder, name), body);
      log.length = 0;
      const notes: string[] = [];
      await fetchFromHub('hf:o/m', { environment, onNote: (note) => notes.push(note) });
      assert.equal(notes.length, 1);
      assert.match(present(notes[0]), /is damaged \(.*\): loaded anew/);
      assert.ok(notes[0]!.includes(join(folder, name)));
      assert.deepEqual(await readFile(join(folder, name)), present(files.get(name)).body);
      assert.equal(
        log.some(({ url }) => present(url).endsWith('model.safetensors')),
        name !== 'config.json',
      );
    }
  });

  it('refuses names that are no names', async () => {
    for (const name of ['hf:m', 'hf:../m', 'hf:o/..', 'hf:o/m@', 'hf:o/m@../x', 'hf:o/m/x']) {
      assert.equal((await failure(fetchFromHub(name, { environment }))).reason, 'config-invalid', name);
    }
    assert.equal(log.length, 0);
  });
});
