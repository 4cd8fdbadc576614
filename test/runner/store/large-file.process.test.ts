import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from '../../support/program.ts';
import { S3Server } from './s3-server.ts';
import { Sides } from './sides.ts';

const mebibyte = 2 ** 20;
const sizeMb = 128;

describe('a large file', function () {
  this.timeout(120_000);
  const server = new S3Server();
  const sides = new Sides();
  after(async () => {
    sides.dispose();
    await server.dispose();
  });

  it('goes out in parts and comes back without ever being in memory', async () => {
    await server.start();
    const path = join(sides.folder, 'large.bin');
    const hash = createHash('sha256');
    const file = openSync(path, 'w');
    for (let i = 0; i < sizeMb; i++) {
      const chunk = Buffer.alloc(mebibyte, `${i} of a large file, `);
      hash.update(chunk);
      writeSync(file, chunk);
    }
    closeSync(file);
    // In a process of its own, since the server is in this one.
    const mover = fileURLToPath(new URL('./move-large-file.ts', import.meta.url));
    const child = spawn(process.execPath, [...program.slice(0, -1), mover, path, hash.digest('hex')], {
      env: { ...process.env, ...server.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0);
    const { before, most } = JSON.parse(text) as { before: number; most: number };
    assert.equal(statSync(`${path}.back`).size, sizeMb * mebibyte);
    const parts = server.requests.filter((line) => line.startsWith('PUT') && line.includes('large'));
    assert.equal(parts.length, 4, 'of 32 MiB');
    assert.ok(most - before < 80 * mebibyte, `memory grew by ${Math.round((most - before) / mebibyte)} MiB`);
    assert.deepEqual(readdirSync(sides.folder).sort(), ['large.bin', 'large.bin.back', 'runs']);
  });
});
