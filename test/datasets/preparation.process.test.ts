import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { present } from '../support/present.ts';
import { preparationFolder, readTensors } from './preparation.ts';
import { useTempFolder } from './temp-folder.ts';

/** `BLOCKFORGE_PYTHON` names another than the one on the PATH. */
const python = process.env.BLOCKFORGE_PYTHON ?? 'python3';

describe('the Python sample of the README', () => {
  const folder = useTempFolder();

  it('prepares every case as the stored tensors say', function () {
    this.timeout(60_000);
    const has = spawnSync(python, ['-c', 'import numpy, PIL.Image; PIL.Image.Resampling'], {
      encoding: 'utf8',
    });
    if (has.status !== 0) {
      console.log(
        `      skipped: ${python} with numpy and Pillow is not here (BLOCKFORGE_PYTHON names another)`,
      );
      this.skip();
    }
    const out = join(folder(), 'tensors.json');
    const made = spawnSync(python, [join(preparationFolder, 'make.py'), out], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    const stored = readTensors(join(preparationFolder, 'expected.json'));
    const now = readTensors(out);
    assert.deepEqual([...now.keys()], [...stored.keys()]);
    for (const [name, tensor] of now) {
      const worst = tensor.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - present(stored.get(name))[at]!)),
        0,
      );
      assert.ok(worst < 1e-5, `${name}: ${worst}`);
    }
  });
});
