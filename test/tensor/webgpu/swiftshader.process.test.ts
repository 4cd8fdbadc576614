import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { webgpuDriver } from '../../support/webgpu-driver.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const driver = webgpuDriver();
const reason = typeof driver === 'string' ? ` (not run: ${driver})` : '';

/** Those of the numerics' own tests whose shaders such a driver compiles within a second. */
const quick =
  /webgpu on the device|Adam|linear equals|gelu (agrees|stays)|layerNorm has mean|splitHeads|patchify/;

/** The rest: BLOCKFORGE_TEST_ENGINES=webgpu npx mocha --timeout 600000 FILE, half an hour for all files. */
describe('webgpu on a software driver', function () {
  this.timeout(300_000);
  const start = (parameters: readonly string[]) =>
    spawnSync(process.execPath, parameters, {
      cwd: root,
      encoding: 'utf8',
      env: {
        ...process.env,
        ...(typeof driver === 'string' ? {} : driver),
        BLOCKFORGE_TEST_ENGINES: 'webgpu',
      },
    });

  it(`computes as the other engines do${reason}`, function () {
    if (reason !== '') this.skip();
    const files = ['webgpu/device', 'ops', 'optimizer'].map((name) => `test/tensor/${name}.test.ts`);
    const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { stdout, stderr } = start([
      ...[mocha, '--reporter', 'json', '--timeout', '120000', '--grep', quick.source],
      ...files,
    ]);
    const begin = stdout.indexOf('{');
    assert.ok(begin >= 0, stderr);
    const report = JSON.parse(stdout.slice(begin)) as {
      readonly stats: { readonly passes: number; readonly pending: number };
      readonly failures: readonly {
        readonly fullTitle: string;
        readonly err: { readonly message?: string };
      }[];
    };
    assert.deepEqual(
      report.failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
      [],
    );
    assert.ok(report.stats.passes >= 15, `${report.stats.passes} passed`);
    assert.equal(report.stats.pending, 0);
  });

  for (const [what, mistake] of [
    ['a buffer larger than any', 'backend.device.createBuffer({ size: 2 ** 45, usage: 8 });'],
    [
      'a shader that does not compile',
      `backend.runWebGPUProgram({ variableNames: ['A'], uniforms: '', shaderKey: 'wrong', outputShape: [4], workgroupSize: [64, 1, 1],
         dispatchLayout: { x: [0] }, dispatch: [1, 1, 1], getUserCode: () => 'fn main(index : i32) { result[index] = nothing; }' }, [x], 'float32', []);`,
    ],
  ]) {
    it(`fails at the next read after ${what}, instead of reading what the memory holds${reason}`, function () {
      if (reason !== '') this.skip();
      const { stdout, stderr } = start([
        ...['--import', 'tsx', '--input-type=module', '--eval'],
        `import * as tf from '@tensorflow/tfjs-core';
         import { loadEngine } from './pipeline/tensor/engine.ts';
         await loadEngine('webgpu');
         tf.env().set('WEBGPU_CPU_FORWARD', false);
         const backend = tf.backend();
         const x = tf.tensor1d([1, 2, 3, 4]);
         tf.add(x, 1).dataSync();
         ${mistake}
         try {
           process.stdout.write('read ' + tf.add(x, 2).dataSync().join());
         } catch (error) {
           process.stdout.write(error.message);
         }`,
      ]);
      assert.match(stdout, /the GPU failed: \S.*$/, stderr);
    });
  }
});
