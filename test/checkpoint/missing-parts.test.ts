import assert from 'node:assert/strict';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { namesRig } from './names-rig.ts';

const weights = strongWeights(tinyArchitecture);
const { width, classes } = tinyArchitecture;
const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact', imageSize: 8 } as const;

describe('checkpoint: parts that are not there', () => {
  const { inspected, refusal } = namesRig();
  const matrix = (rows: number, columns: number) => ({
    shape: [rows, columns],
    data: new Float32Array(rows * columns),
  });
  const refused = (tensors: NamedArrays) => refusal(inspected(tensors, { hints }));
  const headless = Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith('head.')));

  it('of blocks are missed by their usual name, and layers side by side called that', async () => {
    const renamed = Object.entries(weights).map(
      ([name, tensor]) => [name.replace(/^(blocks\.\d+)\.(norm1|mlp)\./, '$1.other.$2.'), tensor] as const,
    );
    assert.match(await refused(Object.fromEntries(renamed)), /no tensor blocks\.0\.norm1\.weight/);
    const parallel = { ...weights, 'blocks.0.attns.0.attn.proj.weight': matrix(width, width) };
    assert.match(await refused(parallel), /side by side in a block.*blocks\.0\.attns\.0/);
  });

  it('of rotary positions that were trained are refused for what they are', async () => {
    const mixed = { ...weights, 'rope.freqs': matrix(2, width) };
    assert.match(await refused(mixed), /rotary positions that were trained.*rope\.freqs/s);
  });

  it('of a head are told beside what is there and is not read', async () => {
    const inParts = { 'head.weight_g': matrix(classes, 1), 'head.weight_v': matrix(classes, width) };
    assert.match(
      await refused({ ...headless, ...inParts }),
      /a head whose weight is stored in parts: head\.weight_g, head\.weight_v\n.*remove_parametrizations/s,
    );
    const beside = (columns: number) =>
      refused({ ...headless, 'linear_head.weight': matrix(classes, columns) });
    const takes = (columns: number) =>
      `linear_head.weight takes ${columns} numbers, the model gives ${width}`;
    const twice = await beside(2 * width);
    assert.ok(twice.includes(takes(2 * width)) && twice.includes('{ head: linear_head }'), twice);
    const other = await beside(5 * width);
    assert.ok(other.includes(takes(5 * width)) && !other.includes('head: linear_head'), other);
  });
});
