import assert from 'node:assert/strict';
import { readOptions } from '../../../bench/front/options.ts';
import { rowNames } from '../../../bench/front/row-names.ts';
import { present } from '../../support/present.ts';

const options = async (...argv: string[]) => present(await readOptions(['--config', 'a.yaml', ...argv]));

describe('bench/front/options', () => {
  it('are all rows on all images without training, unless they say otherwise', async () => {
    const { rows, polish, calibrationImages, distilled } = await options();
    assert.deepEqual(
      { rows, polish, calibrationImages, distilled },
      { rows: rowNames, polish: 0, calibrationImages: undefined, distilled: undefined },
    );
  });

  it('take shares in any order, rows in that of the table, and one number of images for both', async () => {
    const found = await options(
      '--sparsities=0.7,0.5,0.7',
      '--macs=',
      '--rows=attention,units',
      '--images=60',
    );
    assert.deepEqual(found.sparsities, [0.5, 0.7]);
    assert.deepEqual([found.macs, found.rows], [[], ['units', 'attention']]);
    assert.deepEqual([found.calibrationImages, found.evaluationImages], [60, 60]);
  });

  it('refuse what is no share, no row, no number of images and no time', async () => {
    await assert.rejects(options('--macs=1.5'), /--macs 1.5: shares between 0 and 1/);
    await assert.rejects(options('--rows=tokens'), /--rows: no tokens \(there are units, /);
    await assert.rejects(options('--images=1,2,3'), /--images 1,2,3: one or two whole numbers/);
    await assert.rejects(options('--polish=-1'), /--polish -1: minutes/);
    await assert.rejects(options('--rounds=0'), /--rounds 0: a whole number/);
  });
});
