import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDistillationGain } from '../../../../pipeline/stages/blocks/work/distillation-gain.ts';
import { present } from '../../../support/present.ts';

describe('stages/distillation-gain', () => {
  let folder: string;
  /** Of so many blocks, of which the last one's job failed. */
  const gainOf = (depth: number) =>
    readDistillationGain(
      {
        optionalInput: (id, file) =>
          id === `distill/block-0${depth - 1}` ? undefined : join(folder, id, file ?? ''),
      },
      depth,
    );
  const write = async (block: number, descendants: object[], looks?: object[]) => {
    const job = join(folder, `distill/block-0${block}`);
    await mkdir(job, { recursive: true });
    await writeFile(join(job, 'descendants.json'), JSON.stringify({ block, descendants }));
    if (looks) await writeFile(join(job, 'history.json'), JSON.stringify({ looks }));
  };

  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'distillation-gain-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('counts from the error that training started from, not from that of the refit stage', async () => {
    // Behind distilled blocks the refit's error is 0.4, not 0.5; the second width keeps its refit in block 1.
    const looks = [1, 2].map((seconds) => ({ step: seconds, seconds, errors: [0.4 - 0.1 * seconds, 0.9] }));
    const record = (width: number, refit: number, final: number, gainOverRefit: number | null) => ({
      width,
      heldOutError: { refit, final },
      gainOverRefit,
      source: refit === final ? 'refit' : 'distilled',
    });
    const wide = record(8, 0.5, 0.2, 0.5);
    await write(0, [wide, record(4, 0.7, 0.9, 0.25)], looks);
    await write(1, [wide, record(4, 0.7, 0.7, 0)], looks);
    const gain = present(await gainOf(3));
    assert.deepEqual(gain.widths, [8, 4]);
    assert.equal(gain.blocks, 2);
    assert.equal(gain.seconds, 4);
    const removed = gain.points.map((point) => point.removed);
    const near = (found: readonly number[], expected: readonly number[]) =>
      found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-12, String(found)));
    near(removed[0]!, [0.05, 0.025]);
    near(removed[2]!, [0.25, 0.125]);
    near(removed[4]!, [0.5, 0.125]);
  });

  it('is absent where the config asks for no training', async () => {
    await write(0, [
      { width: 8, heldOutError: { refit: 0.5, final: 0.5 }, gainOverRefit: null, source: 'refit' },
    ]);
    assert.equal(await gainOf(2), undefined);
  });
});
