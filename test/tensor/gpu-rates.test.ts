import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepGpuRates, measuredGpuRates } from '../../pipeline/tensor/gpu-rates.ts';
import { secondsOf } from '../../pipeline/stages/common/estimates.ts';

describe('rates that were measured on a GPU', () => {
  let folder: string;
  const before = process.env.BLOCKFORGE_CACHE;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-rates-'));
    process.env.BLOCKFORGE_CACHE = folder;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.BLOCKFORGE_CACHE;
    else process.env.BLOCKFORGE_CACHE = before;
    rmSync(folder, { recursive: true });
  });

  it('replace the guesses of plans for webgpu, and of no other engine', async () => {
    const guess = secondsOf('training', 1e12, 'webgpu');
    assert.equal(measuredGpuRates(), undefined);
    await keepGpuRates({ training: 1e13, inference: 2e13 });
    assert.notEqual(guess, 0.1);
    assert.equal(secondsOf('training', 1e12, 'webgpu'), 0.1);
    assert.equal(secondsOf('inference', 1e12, 'webgpu'), 0.05);
    assert.equal(secondsOf('block', 1e12, 'webgpu'), 0.05);
    assert.ok(secondsOf('training', 1e12, 'tensorflow') > 1);
  });

  it('are not believed where they are no rates', () => {
    for (const text of ['', '{}', '{"training":0,"inference":1}', '{"training":"1","inference":1}', 'null']) {
      writeFileSync(join(folder, 'webgpu-rates.json'), text);
      assert.equal(measuredGpuRates({ BLOCKFORGE_CACHE: folder }), undefined, text);
    }
  });
});
