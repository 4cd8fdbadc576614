import assert from 'node:assert/strict';
import { readOptions } from '../../bench/quality/options.ts';
import { present } from '../support/present.ts';

const options = async (...argv: string[]) => present(await readOptions(['--config', 'a.yaml', ...argv]));

describe('quality options', () => {
  it('take one number of distillation steps or several, in any order, and none as 0', async () => {
    assert.deepEqual((await options()).distill, []);
    assert.deepEqual((await options('--distill', '0')).distill, []);
    assert.deepEqual((await options('--distill', '200')).distill, [200]);
    assert.deepEqual((await options('--distill', '800,0,50,200,50')).distill, [50, 200, 800]);
  });

  it('refuse what is no number of steps', async () => {
    for (const list of ['-1', '1.5', '50,many']) {
      await assert.rejects(
        options(`--distill=${list}`),
        /--distill .*: whole numbers from 0 on are expected/,
      );
    }
    await assert.rejects(options('--distill'), /following: distill/);
  });
});
