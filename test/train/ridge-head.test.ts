import assert from 'node:assert/strict';
import { bestTemperature, fitHead, ridgeSolver, scoresOf } from '../../pipeline/train/ridge-head.ts';
import { random } from '../../pipeline/util/random.ts';

function clusters(images: number, name: string, spread = 0.4) {
  const stream = random(1, 'ridge-head', name);
  const centres = [
    [2, 0, 10],
    [-1, 2, 10],
    [-1, -2, 10],
  ];
  const labels = Int32Array.from({ length: images }, (_, image) => image % 3);
  const features = Float32Array.from({ length: images * 3 }, (_, i) => {
    const [image, f] = [Math.floor(i / 3), i % 3];
    return centres[labels[image]!]![f]! + spread * stream.normal();
  });
  return { width: 3, features, labels };
}

describe('a head by ridge regression', () => {
  it('is the exact solution of two images of one feature', () => {
    // Standardised, the features are -1 and 1; labels minus their mean -1/2 and 1/2 for class 1: W = 1/2 / (1 + ridge).
    const head = ridgeSolver({ width: 1, features: [3, 7], labels: [0, 1] }, 2)(0.25);
    const slope = 0.5 / 1.25 / 2;
    assert.deepEqual(
      [...head.weight, ...head.bias].map((value) => value.toFixed(12)),
      [-slope, slope, 0.5 + 5 * slope, 0.5 - 5 * slope].map((value) => value.toFixed(12)),
    );
  });

  it('has no gradient left: the normal equations hold', () => {
    const data = clusters(30, 'normal equations');
    const { width, features, labels } = data;
    const ridge = 0.1;
    const head = ridgeSolver(data, 3)(ridge);
    const scores = scoresOf(head, data, 3);
    const mean = (f: number) => labels.reduce((sum, _, i) => sum + features[i * width + f]!, 0) / 30;
    for (let f = 0; f < width; f++) {
      const variance = labels.reduce((sum, _, i) => sum + (features[i * width + f]! - mean(f)) ** 2, 0) / 30;
      for (let c = 0; c < 3; c++) {
        const residual = labels.reduce(
          (sum, label, i) =>
            sum + ((features[i * width + f]! - mean(f)) * (scores[i * 3 + c]! - Number(label === c))) / 30,
          0,
        );
        assert.ok(Math.abs(residual + ridge * head.weight[c * width + f]! * variance) < 1e-9);
      }
    }
  });

  it('passes over a feature that is constant', () => {
    const head = ridgeSolver({ width: 2, features: [3, 5, 7, 5], labels: [0, 1] }, 2)(0.25);
    assert.deepEqual([head.weight[1], head.weight[3]], [0, 0]);
  });

  it('tells held-out images apart, with probabilities that mean something', () => {
    const [training, heldOut] = [clusters(90, 'training', 1.2), clusters(60, 'held out', 1.2)];
    const head = fitHead(training, heldOut, 3, 'auto');
    assert.ok(head.heldOut.correct >= 48, `${head.heldOut.correct} of 60`);
    assert.ok(head.heldOut.nll < Math.log(3) / 2, `${head.heldOut.nll}`);
    // No other ridge does better on the held-out images.
    for (const ridge of [1e-4, 0.01, 1, 10])
      assert.ok(fitHead(training, heldOut, 3, ridge).heldOut.nll >= head.heldOut.nll - 1e-12);
  });

  it('is given for the scale of its temperature', () => {
    const [training, heldOut] = [clusters(90, 'training'), clusters(60, 'held out')];
    const all = {
      width: 3,
      features: [...training.features, ...heldOut.features],
      labels: [...training.labels, ...heldOut.labels],
    };
    const head = fitHead(training, heldOut, 3, 0.1);
    const plain = ridgeSolver(all, 3)(0.1);
    for (const [i, weight] of head.weight.entries())
      assert.ok(Math.abs(weight * head.temperature - plain.weight[i]!) < 1e-12);
  });
});

describe('the best temperature', () => {
  it('makes the probabilities of two scores their frequencies', () => {
    // Three in four are right by a lead of 1: p = 1 / (1 + exp(-1 / T)) = 3/4, so T = 1 / log 3.
    const scores = Float64Array.from([1, 0, 1, 0, 1, 0, 1, 0]);
    const { temperature, nll } = bestTemperature(scores, [0, 0, 0, 1], 2);
    assert.ok(Math.abs(temperature - 1 / Math.log(3)) < 1e-6);
    assert.ok(Math.abs(nll - (Math.log(4) - 0.75 * Math.log(3))) < 1e-9);
  });
});
