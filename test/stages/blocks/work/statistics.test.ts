import assert from 'node:assert/strict';
import { configSchema } from '../../../../pipeline/config/schema.ts';
import type { Architecture } from '../../../../pipeline/model/architecture.ts';
import type { PlanInput } from '../../../../pipeline/runner/contract.ts';
import { statistics } from '../../../../pipeline/stages/blocks/work/statistics.ts';

const architecture: Architecture = {
  imageSize: 224,
  patchSize: 16,
  channels: 3,
  width: 768,
  depth: 12,
  heads: 12,
  hidden: 3072,
  classes: 1000,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

function shardOf(from: 'composed' | 'teacher') {
  const config = configSchema.parse({
    teacher: {},
    data: { source: 'shapes', splits: { calibration: 8192 } },
    inputs: { from },
  });
  const preprocessing = { mean: [0], std: [1] };
  const input = { loaded: { config }, architecture, engine: 'wasm', slots: 1, inputs: { preprocessing } };
  return statistics.plan(input as unknown as PlanInput)[1];
}

describe('the statistics stage', () => {
  const [composed, teacher] = [shardOf('composed'), shardOf('teacher')];

  it('counts the inputs of training images where they are trained on, and only there', () => {
    const inputs = (images: number) => images * 64 * 768 * 4 * 12;
    const covariances = 12 * 3072 ** 2 * 8;
    assert.equal(teacher.estimate.diskBytes, inputs(8192) + covariances);
    // A tenth is held out, and always kept.
    assert.equal(composed.estimate.diskBytes, inputs(819) + covariances);
  });

  it('is another job for inputs of the teacher: what it wrote without them does not do', () => {
    assert.notDeepEqual(composed.settings, teacher.settings);
  });
});
