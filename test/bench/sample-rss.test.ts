import assert from 'node:assert/strict';
import { sampleRss } from '../../bench/support/sample-rss.ts';

describe('sampleRss', () => {
  it('sees the peak of the resident memory', () => {
    const sampler = sampleRss(1000);
    const before = process.memoryUsage.rss();
    // The first of them may fall into pages that earlier tests have freed and the process has kept.
    const ballast: Buffer[] = [];
    while (process.memoryUsage.rss() < before + 48e6 && ballast.length < 40)
      ballast.push(Buffer.alloc(64e6, 1));
    const { startBytes, peakBytes, endBytes } = sampler.stop();
    assert.equal(ballast[0]![63e6], 1);
    assert.ok(peakBytes >= startBytes + 32e6, `${peakBytes - startBytes} bytes more`);
    assert.ok(peakBytes >= endBytes);
  });
});
