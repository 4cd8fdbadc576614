import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SplitItem } from '../../../../datasets/contract.ts';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import { sharp } from '../../../../datasets/sharp.ts';
import type { Said } from '../../../../pipeline/measure/said.ts';
import { readExamples } from '../../../../pipeline/report/examples-file.ts';
import { differingImages, writeExampleImages } from '../../../../pipeline/stages/blocks/work/examples.ts';
import { present } from '../../../support/present.ts';

/** By image: chosen class, its probability, the label's. */
const said = (...images: readonly (readonly [number, number, number])[]): Said => ({
  chosen: Int32Array.from(images, ([chosen]) => chosen),
  probability: Float32Array.from(images, ([, probability]) => probability),
  labelProbability: Float32Array.from(images, ([, , label]) => label),
});

const labels = [0, 1, 2, 0, 1];
const teacher = said([0, 0.5, 0.5], [1, 0.75, 0.75], [1, 0.5, 0.25], [0, 1, 1], [1, 0.5, 0.5]);
const model = said([1, 0.5, 0.25], [2, 0.75, 0.125], [2, 0.5, 0.5], [0, 1, 1], [0, 0.5, 0.25]);

describe('example images', () => {
  it('are those that only one of both has right, the furthest apart first, of equals the earlier', () => {
    assert.deepEqual(differingImages({ labels, teacher, model }), { lost: [1, 0, 4], gained: [2] });
    assert.deepEqual(differingImages({ labels, teacher: model, model: teacher }), {
      lost: [2],
      gained: [1, 0, 4],
    });
  });

  const size = { width: 100, height: 400 };
  const loaded: number[] = [];
  const split: Parameters<typeof writeExampleImages>[2] = {
    items: labels.map((label, image): SplitItem => ({ id: String(image), label, sha256: '' as never })),
    load(items) {
      loaded.push(...items.map(({ id }) => Number(id)));
      const pixels = Buffer.concat(items.map(({ id }) => Buffer.alloc(3 * 40_000, 10 * Number(id))));
      return Promise.resolve({ pixels } as unknown as Awaited<ReturnType<OpenSplit['load']>>);
    },
    preparer: {
      preprocessing: { crop: [size.height, size.width], channels: 3 },
    } as unknown as OpenSplit['preparer'],
  };
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'examples-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are written with their pictures, small and in shape, and only those that are shown are read', async () => {
    loaded.length = 0;
    await writeExampleImages(folder, { id: 'uniform/0.5/distilled', labels, teacher, model }, split, 2);
    const { model: id, lost, gained } = present(await readExamples(join(folder, 'examples.json')));
    assert.equal(id, 'uniform/0.5/distilled');
    assert.deepEqual(loaded, [1, 0, 2]);
    assert.deepEqual([lost.images, gained.images], [3, 1]);
    assert.deepEqual(lost.shown[0], {
      ...{ image: 1, file: 'lost-01.webp', label: 1 },
      teacher: { class: 1, probability: 0.75, labelProbability: 0.75 },
      model: { class: 2, probability: 0.75, labelProbability: 0.125 },
    });
    const picture = readFileSync(join(folder, 'lost-01.webp'));
    const { width, height, format } = await sharp(picture).metadata();
    assert.deepEqual([width, height, format], [48, 192, 'webp']);
    const { channels } = await sharp(picture).stats();
    assert.ok(channels.every(({ mean }) => Math.abs(mean - 10) < 3));
  });

  it('are counted only where none are to be copied', async () => {
    loaded.length = 0;
    await writeExampleImages(folder, { id: 'uniform/0.5/distilled', labels, teacher, model }, split, 0);
    assert.deepEqual(loaded, []);
    assert.deepEqual(present(await readExamples(join(folder, 'examples.json'))).lost, {
      images: 3,
      shown: [],
    });
  });
});
