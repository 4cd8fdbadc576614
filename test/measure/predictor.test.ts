import assert from 'node:assert/strict';
import { crossPredict, fitCurve, predictLossPp, type Curve } from '../../pipeline/measure/predictor.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from '../support/present.ts';

describe('measure/predictor', () => {
  const curve: Curve = { ceilingPp: 60, scale: 0.8, exponent: 1.3 };
  const costs = Array.from({ length: 20 }, (_, index) => 0.02 * 1.3 ** index);
  const samples = costs.map((cost) => ({ cost, lossPp: predictLossPp(curve, cost) }));

  it('loses nothing at no cost, 63 % at its scale, everything in the end, and never less for more', () => {
    assert.equal(predictLossPp(curve, 0), 0);
    assert.equal(predictLossPp(curve, -0.1), 0);
    assert.ok(Math.abs(predictLossPp(curve, 0.8) - 60 * (1 - 1 / Math.E)) < 1e-12);
    assert.ok(Math.abs(predictLossPp(curve, 1e6) - 60) < 1e-9);
    for (let i = 1; i < 20; i++) assert.ok(samples[i]!.lossPp > samples[i - 1]!.lossPp);
  });

  it('finds the curve that made the samples', () => {
    const found = present(fitCurve(samples, 60));
    assert.ok(Math.abs(found.scale / 0.8 - 1) < 1e-3, String(found.scale));
    assert.ok(Math.abs(found.exponent - 1.3) < 1e-3, String(found.exponent));
  });

  it('finds it through noise, whatever the unit of the costs', () => {
    const draw = random(1, 'predictor');
    const noisy = samples.map(({ cost, lossPp }) => ({ cost: 1000 * cost, lossPp: lossPp + draw.normal() }));
    const found = present(fitCurve(noisy, 60));
    assert.ok(Math.abs(found.scale / 800 - 1) < 0.1, String(found.scale));
    assert.ok(Math.abs(found.exponent - 1.3) < 0.15, String(found.exponent));
  });

  it('predicts no sample by a curve that saw it', () => {
    const exact = present(crossPredict(samples, [], 60));
    exact.forEach((loss, index) => assert.ok(Math.abs(loss - samples[index]!.lossPp) < 0.05));
    // One absurd sample moves the predictions of the other fold only.
    const spoilt = samples.map((sample, index) => (index === 10 ? { ...sample, lossPp: 60 } : sample));
    const predicted = present(crossPredict(spoilt, [], 60));
    for (let i = 0; i < 20; i += 2) assert.equal(predicted[i], exact[i]);
    assert.ok(predicted.some((loss, index) => index % 2 === 1 && Math.abs(loss - exact[index]!) > 0.1));
  });

  it('does without when there is too little to fit', () => {
    assert.equal(fitCurve(samples.slice(0, 2), 60), null);
    assert.equal(fitCurve(samples, 0), null);
    assert.equal(crossPredict(samples.slice(0, 2), [], 60), null);
    assert.deepEqual(crossPredict([], [], 60), []);
  });
});
