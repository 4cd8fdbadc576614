import assert from 'node:assert/strict';
import { magnitudeScores } from '../../pipeline/slicing/magnitude-scores.ts';
import { present } from '../support/present.ts';
import { difference } from './bases.ts';
import { foldedModel, range, roomy } from './models.ts';

const { width, depth, heads, hidden } = roomy;
const size = width / heads;
const model = foldedModel();
const data = (name: string): Float32Array => model.weights[name]!.data;
const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value ** 2, 0);
const rowOf = (name: string, row: number, columns: number): number[] =>
  range(columns).map((column) => data(name)[row * columns + column]!);
const columnOf = (name: string, column: number, columns: number): number[] =>
  range(data(name).length / columns).map((row) => data(name)[row * columns + column]!);

describe('slicing/magnitude-scores', () => {
  it('of a channel is the sum of the squares of all weights that write or read it, within 1e-9', async () => {
    const { channels } = await magnitudeScores(model, 'stream');
    const patch = data('patch_embed.proj.weight').length / width;
    for (const channel of [0, 5, 11]) {
      const blocks = range(depth).flatMap((i) => [
        rowOf(`blocks.${i}.attn.proj.weight`, channel, width),
        rowOf(`blocks.${i}.mlp.fc2.weight`, channel, hidden),
        columnOf(`blocks.${i}.attn.qkv.weight`, channel, width),
        columnOf(`blocks.${i}.mlp.fc1.weight`, channel, width),
      ]);
      const all = [
        rowOf('patch_embed.proj.weight', channel, patch),
        ...['cls_token', 'pos_embed', 'head.weight'].map((name) => columnOf(name, channel, width)),
        ...blocks,
      ];
      assert.ok(Math.abs(present(channels)[channel]! - squares(all.flat())) < 1e-9);
    }
  });

  it('of keys and values is the length of what makes them times that of what uses them, within 1e-9', async () => {
    const { layers } = await magnitudeScores(model, 'attention');
    assert.equal(present(layers).length, depth);
    const { keys, values } = present(present(layers)[1]);
    const row = (at: number): number => Math.sqrt(squares(rowOf('blocks.1.attn.qkv.weight', at, width)));
    const all = range(heads * size);
    assert.ok(
      difference(
        present(keys),
        all.map((i) => row(i) * row(width + i)),
      ) < 1e-9,
    );
    const used = all.map((i) => Math.sqrt(squares(columnOf('blocks.1.attn.proj.weight', i, width))));
    assert.ok(
      difference(
        present(values),
        all.map((i) => row(2 * width + i) * used[i]!),
      ) < 1e-9,
    );
  });

  it('of a hidden unit is the length of its row of fc1 times that of its column of fc2, within 1e-9', async () => {
    const { layers } = await magnitudeScores(model, 'ffn');
    const expected = range(hidden).map((unit) =>
      Math.sqrt(
        squares(rowOf('blocks.2.mlp.fc1.weight', unit, width)) *
          squares(columnOf('blocks.2.mlp.fc2.weight', unit, hidden)),
      ),
    );
    assert.ok(difference(present(layers?.[2]?.units), expected) < 1e-9);
  });
});
