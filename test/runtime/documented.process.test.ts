import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { packageFolder } from '../../pipeline/util/package.ts';
import { libraryInput, writtenLibrary } from '../library/fixture.ts';
import { hasOnnxRuntime } from '../support/onnx-runtime.ts';

describe('the runtime as docs/library.md shows it', () => {
  it('runs as it is written', async function () {
    if (!(await hasOnnxRuntime())) this.skip();
    this.timeout(30_000);
    const page = await readFile(join(packageFolder, 'docs', 'library.md'), 'utf8');
    const code = /```ts\n(import \{ openLibrary[\s\S]*?)```/.exec(page)?.[1];
    assert.ok(code !== undefined, 'no example in docs/library.md begins with openLibrary');
    await loadEngine('wasm');
    const folder = await writtenLibrary(libraryInput({ channels: 3 }));
    try {
      const grey = { width: 20, height: 10, channels: 3 as const, background: { r: 90, g: 90, b: 90 } };
      await sharp({ create: grey }).jpeg().toFile(join(folder.path, 'photo.jpg'));
      const entry = pathToFileURL(join(packageFolder, 'pipeline/runtime/index.ts')).href;
      const script = join(folder.path, 'example.mts');
      await writeFile(
        script,
        code.replace('blockforge/runtime', entry).replace('runs/demo/library', folder.path),
      );
      const child = spawn(
        process.execPath,
        ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, script],
        {
          cwd: folder.path,
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      const [output, errors, [status]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit') as Promise<[number]>,
      ]);
      assert.equal(status, 0, errors);
      assert.match(output, /^0 blocks, 0 bytes, [\d.]+ ms\npredicted to lose 0\.00 points\nnull 0\.\d+\n$/);
    } finally {
      await folder.remove();
    }
  });
});
