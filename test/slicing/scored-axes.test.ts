import assert from 'node:assert/strict';
import type { AxisScores, ScoreAxes } from '../../pipeline/slicing/axis-scores.ts';
import { layerShapes } from '../../pipeline/model/family/layer-shapes.ts';
import { magnitudeScores } from '../../pipeline/slicing/magnitude-scores.ts';
import { scoredAxes } from '../../pipeline/slicing/scored-axes.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { cutOf } from '../../pipeline/slicing/shape.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { assertNear, foldedModel, logitsOf, range, roomy } from './models.ts';

const shape = { width: 8, keySize: 2, valueSize: 3, hidden: 6 };
const classes = [4, 2];

const drawn: ScoreAxes = ({ architecture: { width, depth } }, step) => {
  const draw = random(1, step);
  const scores = (size: number): Float64Array => Float64Array.from({ length: size }, () => draw.next());
  if (step === 'stream') return Promise.resolve({ channels: scores(width) });
  const layers = range(depth).map(() =>
    step === 'ffn' ? { units: scores(12) } : { keys: scores(12), values: scores(12) },
  );
  return Promise.resolve({ layers });
};

function assertDescending(scores: Float64Array | undefined, perHead = 12): void {
  const all = present(scores);
  for (let i = 1; i < all.length; i++) {
    if (i % perHead > 0) assert.ok(all[i - 1]! >= all[i]!, `${all[i - 1]!} before ${all[i]!}`);
  }
}

describeOnEachEngine('slicing/scored-axes', () => {
  it('leaves the logits within 1e-5, whatever the scores', async () => {
    const whole = foldedModel();
    const sorted = await scoredAxes(whole, classes, shape, drawn);
    assert.notDeepEqual(sorted.weights['cls_token'], whole.weights['cls_token']);
    const of = ({ architecture, weights }: typeof whole): Float32Array => logitsOf(architecture, weights);
    assertNear(of(sorted), of(whole), 1e-5);
  });

  it('puts the highest scores first, in each head and on what the steps before leave', async () => {
    const sorted = await scoredAxes(foldedModel(), classes, shape, magnitudeScores);
    const on = (part: Partial<typeof shape>, step: Parameters<ScoreAxes>[1]): Promise<AxisScores> => {
      const all = { width: 12, keySize: 4, valueSize: 4, hidden: 12 };
      const cut = cutOf(sorted.architecture, { ...all, ...part }, classes);
      return magnitudeScores(cutModel(sorted, cut), step);
    };
    assertDescending((await on({}, 'stream')).channels);
    const attention = (await on({ width: 8 }, 'attention')).layers;
    const ffn = (await on({ ...shape, hidden: 12 }, 'ffn')).layers;
    for (const layer of range(roomy.depth)) {
      assertDescending(attention?.[layer]?.keys, 4);
      assertDescending(attention?.[layer]?.values, 4);
      assertDescending(ffn?.[layer]?.units);
    }
  });

  it('scores the stream on the whole, the attention on what is left of it, the FFN on what both leave', async () => {
    const seen: (string | number)[][] = [];
    await scoredAxes(foldedModel(), classes, shape, (model, step) => {
      const { width, classes, normWidth = NaN } = model.architecture;
      const { keySize, valueSize, hidden } = layerShapes(model.architecture)[1]!;
      seen.push([step, width, normWidth, classes, keySize, valueSize, hidden]);
      return drawn(model, step);
    });
    assert.deepEqual(seen, [
      ['stream', 12, 12, 2, 4, 4, 12],
      ['attention', 8, 12, 2, 4, 4, 12],
      ['ffn', 8, 12, 2, 2, 3, 12],
    ]);
  });
});
