import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { engineSlots, installedEngines } from '../../pipeline/tensor/installed.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/** Runs TypeScript in a process of its own, in the root. */
const runScript = (script: string, environment: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    cwd: root,
    env: { ...process.env, ...environment },
  });

const descriptions = {
  tensorflow: /^TensorFlow \d+\.\d+\.\d+ on /,
  wasm: /^tfjs-backend-wasm 4\.22\.0 on 1 CPU thread$/,
  webgpu: /^tfjs-backend-webgpu 4\.22\.0 on \S/,
};

describeOnEachEngine('engine', (name) => {
  it('multiplies matrices, also transposed', () => {
    tf.tidy(() => {
      const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const b = tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]);
      assert.deepEqual([...tf.matMul(a, b).dataSync()], [58, 64, 139, 154]);
      // (b a)' = a' b', written with both flags.
      assert.deepEqual([...tf.matMul(a, b, true, true).dataSync()], [39, 49, 59, 54, 68, 82, 69, 87, 105]);
    });
  });

  it('differentiates', () => {
    tf.tidy(() => {
      const at = [0.5, -1, 2];
      const slope = tf
        .grad((v: tf.Tensor) => tf.sum(tf.square(tf.erf(v))))(tf.tensor1d(at))
        .dataSync();
      at.forEach((x, i) => {
        const expected = 2 * erf(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
        assert.ok(Math.abs(expected - slope[i]!) < 2e-6, `${slope[i]} at ${x}, expected ${expected}`);
      });
    });
  });

  it('describes itself', async () => {
    const engine = await loadEngine(name);
    assert.equal(engine.name, name);
    assert.equal(tf.getBackend(), name);
    assert.match(engine.description, descriptions[name]);
    const { tensorflow, wasm, webgpu } = installedEngines();
    const version = { tensorflow, wasm, webgpu }[name]?.version;
    assert.ok(engine.version.endsWith(` ${version}`), 'what is installed is what is loaded');
    assert.equal(engine.note, undefined, 'nothing to excuse where an engine was asked for by name');
  });

  it('starts without a word, in a process of its own', async () => {
    const { stdout, stderr } = await runScript(
      `import { loadEngine } from './pipeline/tensor/engine.ts';
       import * as tf from '@tensorflow/tfjs-core';
       await loadEngine('${name}');
       process.stdout.write(tf.tensor1d([1, 2]).dataSync().join());`,
    );
    assert.equal(stdout, '1,2');
    assert.equal(stderr, '');
  });

  it('differentiates products alike whatever was imported before it', async () => {
    const kernels = async (before: string): Promise<string> => {
      const { stdout } = await runScript(
        `import * as tf from '@tensorflow/tfjs-core';
         import { loadEngine } from './pipeline/tensor/engine.ts';
         ${before}
         await loadEngine('${name}');
         const { ones } = tf;
         const slope = tf.grad((a) => tf.sum(tf.matMul(a, ones([3, 2]))));
         process.stdout.write((await tf.profile(() => slope(ones([2, 3])))).kernelNames.join());`,
      );
      return stdout;
    };
    const [alone, behindOps, twice] = await Promise.all([
      kernels(''),
      kernels(`await import('./pipeline/tensor/ops.ts');`),
      kernels(`await loadEngine('${name}'); await import('@tensorflow/tfjs');`),
    ]);
    // Where a product with a flag is slow, none is made.
    assert.equal(alone.includes('Transpose'), name === 'wasm');
    assert.deepEqual([behindOps, twice], [alone, alone]);
  });

  it('has slots that add up to this machine', () => {
    const { count, environment } = engineSlots(name);
    assert.equal(environment.length, count);
    assert.ok(count >= 1);
  });
});

describe('engine auto', () => {
  it('falls back to wasm and says why when TensorFlow does not load', async function () {
    if (installedEngines().tensorflow === undefined) this.skip();
    const { stdout } = await runScript(
      `import Module from 'node:module';
       const load = Module._load;
       Module._load = (name, ...rest) => {
         if (name.endsWith('load.cjs')) throw new Error('wrong processor');
         return load(name, ...rest);
       };
       const { loadEngine } = await import('./pipeline/tensor/engine.ts');
       const { name, note } = await loadEngine('auto');
       const refusal = await loadEngine('tensorflow').catch((error) => error.failure);
       process.stdout.write(JSON.stringify({ name, note, refusal }));`,
    );
    const { name, note, refusal } = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(name, 'wasm');
    assert.match(String(note), /TensorFlow is installed, but it does not load: wrong processor/);
    assert.equal((refusal as { reason: string }).reason, 'engine-unavailable');
  });
});

/** Power series of the error function; 40 terms are exact to double precision for |x| <= 2. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 40; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
