import assert from 'node:assert/strict';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

describe('compose/ for a browser', () => {
  it('is small, and free of Node, schemas and engines', async () => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: `export { chooseCompositions, compositionFront } from './pipeline/compose/choose.ts';
          export { openSpace } from './pipeline/compose/space.ts';`,
        resolveDir: root,
      },
      absWorkingDir: root,
      outfile: join(root, 'unwritten.js'),
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
    });
    const inputs = Object.keys(metafile.inputs).filter((name) => name !== '<stdin>');
    const foreign = inputs.filter((name) => !/^pipeline\/(compose|allocate|measure|util)\//.test(name));
    assert.deepEqual(foreign, []);
    assert.ok(inputs.length > 6);
    const [size] = outputFiles.map(({ contents }) => contents.length);
    assert.ok(size !== undefined && size < 30_000, `${size} bytes`);
  });
});
