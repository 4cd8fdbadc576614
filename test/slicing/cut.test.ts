import assert from 'node:assert/strict';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { canonicalShapes, type HostWeights } from '../../pipeline/model/host-weights.ts';
import { cutModel, type Cut, type LayerCut } from '../../pipeline/slicing/cut.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { assertNear, foldedModel, logitsOf, roomy } from './models.ts';

const [heads, size, hidden, width] = [3, 4, 12, 12];
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
const listed = (kept: number | readonly number[]): readonly number[] =>
  typeof kept === 'number' ? range(kept) : kept;

/** The model with what `cut` removes set to 0, written without the code under test. */
function masked({ architecture, weights }: SlicedModel, cut: Cut): SlicedModel {
  const copy: HostWeights = {};
  for (const [name, { shape, data }] of Object.entries(weights)) copy[name] = { shape, data: data.slice() };
  const zeroRow = (name: string, row: number): void => {
    const { data, shape } = copy[name]!;
    const length = data.length / shape[0]!;
    data.fill(0, row * length, (row + 1) * length);
  };
  const zeroColumn = (name: string, column: number): void => {
    const { data, shape } = copy[name]!;
    const length = shape[shape.length - 1]!;
    for (let i = column; i < data.length; i += length) data[i] = 0;
  };
  for (const channel of range(width)) {
    if (cut.channels === undefined || listed(cut.channels).includes(channel)) continue;
    for (const name of ['cls_token', 'pos_embed']) zeroColumn(name, channel);
    for (const layer of [
      'patch_embed.proj',
      ...range(3).flatMap((i) => [`blocks.${i}.attn.proj`, `blocks.${i}.mlp.fc2`]),
    ]) {
      zeroRow(`${layer}.weight`, channel);
      zeroRow(`${layer}.bias`, channel);
    }
  }
  cut.layers?.forEach((layer, i) => {
    if (layer === undefined) return;
    const block = `blocks.${i}`;
    const kept = listed(layer.heads ?? heads);
    const stays = (list: LayerCut['keys'], head: number, index: number): boolean => {
      const place = kept.indexOf(head);
      const own = typeof list === 'number' ? list : (list?.[place] ?? size);
      return place >= 0 && listed(own).includes(index);
    };
    for (const head of range(heads)) {
      for (const index of range(size)) {
        const row = head * size + index;
        // A query of 0 leaves nothing of that dimension in the scores, whose scale stays that of all dimensions.
        const dropped = [
          ...(stays(layer.keys, head, index) ? [] : [row]),
          ...(stays(layer.values, head, index) ? [] : [2 * heads * size + row]),
        ];
        for (const at of dropped)
          for (const part of ['weight', 'bias']) zeroRow(`${block}.attn.qkv.${part}`, at);
        if (!kept.includes(head)) zeroColumn(`${block}.attn.proj.weight`, row);
      }
    }
    for (const unit of range(hidden)) {
      if (!listed(layer.units ?? hidden).includes(unit)) zeroColumn(`${block}.mlp.fc2.weight`, unit);
    }
  });
  return { architecture, weights: copy };
}

const cuts: Readonly<Record<string, Cut>> = {
  'channels of the stream': { channels: [0, 2, 3, 7, 11] },
  'a count of channels': { channels: 5 },
  'hidden units, another number in each layer': {
    layers: [{ units: [1, 5, 11] }, undefined, { units: [3] }],
  },
  'whole heads': { layers: [{ heads: [2] }, { heads: [0, 2] }, { heads: 1 }] },
  'dimensions of keys, others in every head': {
    layers: [
      {
        keys: [
          [0, 1],
          [2, 3],
          [0, 3],
        ],
      },
      { keys: 3 },
      { keys: [[2], [0], [1]] },
    ],
  },
  'dimensions of values, others in every head': {
    layers: [
      { values: [[1], [2], [0]] },
      { values: 2 },
      {
        values: [
          [0, 1, 2],
          [1, 2, 3],
          [3, 2, 1],
        ],
      },
    ],
  },
  'everything at once, differently in every layer': {
    channels: [10, 1, 4, 5, 8, 9, 2],
    layers: [
      {
        heads: [1, 2],
        keys: [[3], [0]],
        values: [
          [0, 2, 3],
          [3, 1, 0],
        ],
        units: [11, 2, 4, 6],
      },
      { heads: [0], keys: [[0, 1, 2]], values: [[3]], units: 7 },
      { heads: [2, 0], keys: 2, values: 2, units: [0, 1] },
    ],
  },
};

describeOnEachEngine('slicing/cut', () => {
  for (const pool of [undefined, 'mean'] as const) {
    for (const [title, cut] of Object.entries(cuts)) {
      it(`of ${title} is the model with the rest at 0, within 1e-5 (${pool ?? 'class token'})`, () => {
        const model = foldedModel({ ...roomy, pool });
        const [sliced, whole] = [cutModel(model, cut), masked(model, cut)];
        assertNear(
          logitsOf(sliced.architecture, sliced.weights),
          logitsOf(whole.architecture, whole.weights),
          1e-5,
        );
      });
    }
  }

  it('of classes keeps rows of the head, in their order, as often as they are named', () => {
    const model = foldedModel();
    const all = logitsOf(model.architecture, model.weights);
    const sliced = cutModel(model, { classes: [4, 1, 4] });
    const expected = range(3).flatMap((image) => [4, 1, 4].map((row) => all[image * 5 + row]!));
    assert.equal(sliced.architecture.classes, 3);
    assertNear(logitsOf(sliced.architecture, sliced.weights), expected, 1e-6);
  });

  it('leaves exactly the tensors that the new architecture has, and costs that count them', () => {
    const { architecture, weights } = cutModel(
      foldedModel(),
      cuts['everything at once, differently in every layer']!,
    );
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(architecture));
    const { params, macs } = modelCosts(architecture);
    const values = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
    assert.equal(params, values);
    // 5 tokens, 4 patches of 48 numbers, 7 channels, 5 classes; per layer heads, key, value and hidden sizes.
    const layers = [
      [2, 1, 3, 4],
      [1, 3, 1, 7],
      [2, 2, 2, 2],
    ] as const;
    const expected = layers.map(
      ([h, k, v, units]) => 5 * 7 * h * (2 * k + 2 * v) + 25 * h * (k + v) + 5 * 2 * 7 * units,
    );
    assert.equal(macs, 4 * 48 * 7 + 7 * 5 + expected.reduce((sum, count) => sum + count, 0));
    assert.deepEqual([architecture.heads, architecture.hidden, architecture.width], [2, 7, 7]);
    assert.equal(architecture.normWidth, 12);
  });

  it('of a model that was cut goes on from there', () => {
    const once = cutModel(foldedModel(), { channels: [1, 3, 5, 7, 9, 11], layers: [{ keys: 2 }, {}, {}] });
    const twice = cutModel(once, { channels: [0, 2], layers: [{ keys: 1 }, {}, {}] });
    const direct = cutModel(foldedModel(), { channels: [1, 5], layers: [{ keys: 1 }, {}, {}] });
    assert.deepEqual(twice.architecture, direct.architecture);
    assertNear(
      logitsOf(twice.architecture, twice.weights),
      logitsOf(direct.architecture, direct.weights),
      1e-6,
    );
  });

  it('refuses indices that are not there or there twice, nothing, and heads that keep unequal numbers', () => {
    const model = foldedModel();
    const layer = (first: LayerCut): Cut => ({ layers: [first, {}, {}] });
    const refused: [Cut, RegExp][] = [
      [{ channels: [0, 12] }, /channel 12 is not one of 0..11/],
      [{ channels: 13 }, /channel 12 is not one/],
      [{ channels: [] }, /no channel is kept/],
      [{ classes: [-1] }, /class -1 is not one of 0..4/],
      [{ layers: [] }, /0 entries for 3 layers/],
      [layer({ heads: [0, 3] }), /head of blocks.0 3 is not one of 0..2/],
      [layer({ heads: [1, 1] }), /kept twice/],
      [layer({ units: [1.5] }), /hidden unit of blocks.0 1.5/],
      [layer({ keys: [[0], [1]] }), /2 lists for 3 kept heads/],
      [layer({ values: [[0], [1], [0, 1]] }), /heads keep 1, 1, 2, not equally many/],
    ];
    for (const [cut, message] of refused) assert.throws(() => cutModel(model, cut), message);
  });
});
