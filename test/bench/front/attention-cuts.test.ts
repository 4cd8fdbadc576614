import { openAttentionCuts } from '../../../bench/front/attention-cuts.ts';
import type { FrontModel } from '../../../bench/front/front-model.ts';
import assert from 'node:assert/strict';
import { assertNear, batchesFor, divergence, logitsOf, pixelsFor, roomy } from '../../slicing/models.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

const small = { ...roomy, depth: 2 };
const teacher: FrontModel = { architecture: small, weights: strongWeights(small) };
const logits = ({ architecture, weights }: FrontModel): Float32Array =>
  logitsOf(architecture, weights, pixelsFor(small, 40, 77));
const shape = { width: 12, keySize: 4, valueSize: 4, hidden: 12 };

describeOnEachEngine('bench/front/attention-cuts', () => {
  it('changes logits by at most 1e-2 where nothing is cut, and leaves units alone where only attention is', async () => {
    const cuts = await openAttentionCuts(teacher, batchesFor(small, [30]), 1);
    const whole = await cuts.cut(shape);
    assertNear(logits(whole), logits(teacher), 1e-2);
    const half = await cuts.cut({ ...shape, keySize: 2, valueSize: 2 });
    const far = divergence(logits(teacher), logits(half), 5);
    assert.ok(far > 10 * divergence(logits(teacher), logits(whole), 5), `${far}`);
    assert.deepEqual(half.architecture.layers?.[0], { heads: 3, keySize: 2, valueSize: 2, hidden: 12 });
    assert.equal(half.weights['blocks.0.mlp.fc1.weight']?.shape[0], 12);
  });
});
