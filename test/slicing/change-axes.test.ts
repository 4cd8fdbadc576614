import assert from 'node:assert/strict';
import { changeAxes, type LayerAxes, type ModelAxes } from '../../pipeline/slicing/change-axes.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { invertible, orthonormal, transposedOf } from './bases.ts';
import { assertNear, foldedModel, logitsOf, roomy } from './models.ts';

const { heads, width, hidden } = roomy;
const size = width / heads;
const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function randomLayer(layer: number): LayerAxes {
  return {
    keys: each(heads, (head) => {
      const { basis, inverse } = invertible(size, 20 * layer + head);
      return { query: basis, key: transposedOf(inverse, size) };
    }),
    values: each(heads, (head) => {
      const { basis, inverse } = invertible(size, 20 * layer + 10 + head);
      return { down: basis, up: inverse };
    }),
    units: random(4, 'units', layer).shuffle(each(hidden, (unit) => unit)),
  };
}

describeOnEachEngine('slicing/change-axes', () => {
  const axes: ModelAxes = {
    stream: orthonormal(width, width),
    layers: each(roomy.depth, randomLayer),
  };

  for (const pool of [undefined, 'normed-mean'] as const) {
    it(`leaves the logits within 1e-4, whatever the bases and the order (${pool ?? 'class token'})`, () => {
      const model = foldedModel({ ...roomy, pool });
      const changed = changeAxes(model, axes);
      assert.deepEqual(changed.architecture, model.architecture);
      for (const name of ['attn.qkv.weight', 'attn.qkv.bias', 'attn.proj.weight', 'mlp.fc1.bias']) {
        assert.notDeepEqual(changed.weights[`blocks.1.${name}`], model.weights[`blocks.1.${name}`]);
      }
      assertNear(
        logitsOf(changed.architecture, changed.weights),
        logitsOf(model.architecture, model.weights),
        1e-4,
      );
    });
  }

  it('refuses axes of another model', () => {
    const model = foldedModel();
    const first = axes.layers[0]!;
    const others = [
      { ...axes, layers: axes.layers.slice(1) },
      { ...axes, layers: [{ ...first, keys: first.keys.slice(1) }, ...axes.layers.slice(1)] },
    ];
    assert.throws(() => changeAxes(model, others[0]!), /axes of 2 layers for 3/);
    assert.throws(() => changeAxes(model, others[1]!), /bases of other heads/);
  });
});
