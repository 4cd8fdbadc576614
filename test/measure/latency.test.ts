import assert from 'node:assert/strict';
import { profileWidths } from '../../pipeline/measure/latency.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('measure/latency', (engine) => {
  it('times every width', async () => {
    const { widths, profile } = await profileWidths({
      variants: [512, 32].map((hidden) => ({ hidden, width: 64, tokens: 65 })),
      batchSize: 2,
      warmup: 2,
      iterations: 7,
    });
    assert.deepEqual(
      widths.map(({ hidden }) => hidden),
      [512, 32],
    );
    for (const { p50, p90 } of widths) assert.ok(p50 > 0 && p90 >= p50 && p90 < 5000);
    const { cpuModel, engine: version, ...rest } = profile;
    const { device, version: loaded } = await loadEngine(engine);
    assert.deepEqual(
      { ...rest, threads: rest.threads > 0 },
      { device, threads: true, batchSize: 2, tokens: 65, warmup: 2, iterations: 7 },
    );
    assert.notEqual(cpuModel, '');
    assert.equal(version, loaded);
  });

  it('stops when asked to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const variants = [{ hidden: 8, width: 8, tokens: 5 }];
    const options = { variants, batchSize: 1, warmup: 1, iterations: 3 };
    await assert.rejects(profileWidths({ ...options, signal: stop.signal }), /enough/);
  });
});
