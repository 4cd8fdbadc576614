import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFolder, type FolderServer } from '../../pipeline/demo/serve-folder.ts';

describe('demo/serve-folder', () => {
  const place = mkdtempSync(join(tmpdir(), 'blockforge-serve-'));
  const folder = join(place, 'demo');
  let server: FolderServer;

  before(async () => {
    mkdirSync(join(folder, 'blocks'), { recursive: true });
    writeFileSync(join(folder, 'index.html'), '<p>page</p>');
    writeFileSync(join(folder, 'a.wasm'), 'wasm');
    writeFileSync(join(folder, 'blocks', 'b.safetensors'), 'weights');
    writeFileSync(join(place, 'secret.txt'), 'secret');
    symlinkSync(join(place, 'secret.txt'), join(folder, 'link.txt'));
    server = await serveFolder(folder);
  });
  after(async () => {
    await server.close();
    rmSync(place, { recursive: true, force: true });
  });

  /** As a client that cleans no path. */
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number | undefined; type: string | undefined; text: string; isolated: boolean }>(
      (resolve, reject) => {
        const { port } = new URL(server.url);
        get({ host: '127.0.0.1', port, path, headers, method }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () =>
            resolve({
              status: response.statusCode,
              type: response.headers['content-type'],
              text,
              isolated:
                response.headers['cross-origin-opener-policy'] === 'same-origin' &&
                response.headers['cross-origin-embedder-policy'] === 'require-corp',
            }),
          );
        }).on('error', reject);
      },
    );

  it('gives files their types and what threads need', async () => {
    assert.deepEqual(await ask('/'), {
      ...{ status: 200, type: 'text/html; charset=utf-8', text: '<p>page</p>', isolated: true },
    });
    assert.equal((await ask('/a.wasm')).type, 'application/wasm');
    assert.equal((await ask('/blocks/b.safetensors?again')).text, 'weights');
    assert.equal((await ask('/a.wasm', {}, 'HEAD')).text, '');
  });

  it('gives nothing outside its folder, no folders, and takes nothing', async () => {
    for (const path of [
      ...['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/blocks/../../secret.txt'],
      ...['/link.txt', '/blocks', '/none', '/a.wasm%00.html', '/%', '//secret.txt'],
    ]) {
      const { status, text } = await ask(path);
      assert.deepEqual([path, status, text], [path, 404, '404\n']);
    }
    assert.equal((await ask('/', {}, 'POST')).status, 405);
  });

  it('is no other name: a foreign site that leads here reads nothing', async () => {
    assert.equal((await ask('/', { host: 'evil.example' })).status, 403);
    assert.equal((await ask('/', { host: 'localhost:1' })).status, 200);
  });

  it('says which port is in use', async () => {
    const port = Number(new URL(server.url).port);
    await assert.rejects(serveFolder(folder, port), { message: new RegExp(`--port ${port}: in use`) });
  });
});
