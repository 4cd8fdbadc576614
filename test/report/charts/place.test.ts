import assert from 'node:assert/strict';
import { place } from '../../../pipeline/report/charts/place.ts';

describe('the place of a number on an axis', () => {
  it('is linear or logarithmic as its axis, and reversed as its range', () => {
    assert.equal(place({ type: 'linear', domain: [0, 10], range: [40, 140] }, 5), 90);
    assert.equal(place({ type: 'linear', domain: [0, 10], range: [140, 40] }, 1), 130);
    const log = place({ type: 'log', domain: [1e6, 1e8], range: [0, 100] }, 1e7) ?? NaN;
    assert.ok(Math.abs(log - 50) < 1e-9);
  });

  it('ends where the axis ends', () => {
    assert.equal(place({ type: 'linear', domain: [0, 10], range: [0, 100] }, -3), 0);
    assert.equal(place({ type: 'linear', domain: [0, 10], range: [0, 100] }, 30), 100);
  });

  it('is none for what a logarithmic axis cannot show', () => {
    assert.equal(place({ type: 'log', domain: [1, 10], range: [0, 100] }, -1), undefined);
  });
});
