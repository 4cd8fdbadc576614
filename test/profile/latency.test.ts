import assert from 'node:assert/strict';
import { latencyModel, modelMs } from '../../pipeline/profile/latency.ts';
import { exampleProfile } from './fixture.ts';

describe('library/profile/latency-model', () => {
  const profile = exampleProfile('d'.repeat(64));

  it('adds up to the calibrated prediction of every composition', () => {
    for (const { batchSize, composed } of profile.batches) {
      const latency = latencyModel(profile, batchSize);
      for (const { widths, calibratedMs, predictedMs } of composed.filter(
        ({ use }) => batchSize === 1 || use === 'fit',
      )) {
        const expected = batchSize === 1 ? calibratedMs : 0.25 + 1.1 * predictedMs;
        assert.ok(Math.abs(modelMs(latency, widths) - expected) < 1e-9, `${batchSize}: ${widths.join()}`);
      }
    }
  });

  it('takes the smallest batch where none is asked for, and says what it stands for', () => {
    const latency = latencyModel(profile);
    assert.equal(latency.batchSize, 1);
    assert.equal(latency.describe, 'onnxruntime 1.30.0, 2 threads, on a board (board), batch 1');
    assert.ok(latency.blockMs(20, 1) < latency.blockMs(20, 0));
    assert.throws(() => latency.blockMs(7, 0), /profile board has no width 7/);
    assert.throws(() => latencyModel(profile, 2), /expected: one of: 1, 8/);
  });
});
