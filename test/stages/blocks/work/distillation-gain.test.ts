import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDistillationGain } from '../../../../pipeline/stages/blocks/work/distillation-gain.ts';
import { present } from '../../../support/present.ts';

describe('stages/distillation-gain', () => {
  let folder: string;
  /** Of so many jobs, of which the last one failed. */
  const gainOf = (jobs: number) =>
    readDistillationGain(
      {
        optionalInput: (id, file) =>
          id === `distill/shard-${jobs - 1}` ? undefined : join(folder, id, file ?? ''),
      },
      jobs,
    );
  const write = async (shard: number, width: number, end: number) => {
    const job = join(folder, `distill/shard-${shard}`);
    const looks = [0, 1].map((step) => ({
      step,
      seconds: 2 * step,
      kl: [step === 0 ? 0.4 : end],
      errors: [],
    }));
    const trained = { width, kept: 'trained', klBefore: 0.4, klAfter: end, precision: 'float32' };
    await mkdir(job, { recursive: true });
    await writeFile(join(job, 'history.json'), JSON.stringify({ widths: [trained], looks }));
  };

  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'distillation-gain-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('is of all widths, and takes the time of all jobs', async () => {
    await write(0, 8, 0.2);
    await write(1, 4, 0.3);
    const gain = present(await gainOf(3));
    assert.deepEqual(gain.widths, [8, 4]);
    assert.equal(gain.seconds, 4);
    const ends = present(gain.points.at(-1)).removed;
    ends.forEach((value, place) => assert.ok(Math.abs(value - [0.5, 0.25][place]!) < 1e-12, String(ends)));
  });

  it('is absent where the config asks for no training', async () => {
    assert.equal(await gainOf(2), undefined);
  });
});
