import assert from 'node:assert/strict';
import { columnsOf } from '../../../bench/front/columns.ts';
import { frontCosts } from '../../../bench/front/front-costs.ts';
import { planRows, unitWidths, type RowSources } from '../../../bench/front/plan-rows.ts';
import { rowNames } from '../../../bench/front/row-names.ts';
import type { FfnWeights } from '../../../pipeline/model/ffn-weights.ts';
import { architectureOf } from '../../../pipeline/slicing/shape.ts';
import { sliceFfn } from '../../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../../pipeline/model/host-weights.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { roomy } from '../../slicing/models.ts';

/** Ten patches by ten, so that there is something to merge. */
const architecture = { ...roomy, imageSize: 40, hidden: 48 };
const teacher = { architecture, weights: strongWeights(architecture) };
const blocksOf = (width: number): FfnWeights[] =>
  [0, 1, 2].map((block) =>
    sliceFfn(
      hostFfn(teacher.weights, block),
      Array.from({ length: width }, (_, unit) => unit),
    ),
  );

function sources(rows: RowSources['rows'] = rowNames): RowSources & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    teacher,
    rows,
    multiple: 4,
    columns: columnsOf(architecture, [24, 16], [0.3], 4),
    fitted: (width) => {
      asked.push(width);
      return Promise.resolve(blocksOf(width));
    },
    distilled: (width) => (width === 24 ? Promise.resolve(blocksOf(width)) : undefined),
    cut: (shape) =>
      Promise.resolve({ architecture: architectureOf(architecture, shape), weights: teacher.weights }),
  };
}

describe('bench/front/plan-rows', () => {
  it('keeps every row within its budget and not far below it', async () => {
    const planned = planRows(sources());
    for (const { way, what, column, make } of planned) {
      const { architecture, merged } = await make();
      const { macs } = frontCosts(architecture, merged);
      if (column === null) continue;
      assert.ok(
        macs <= column.macs && macs > 0.7 * column.macs,
        `${way}: ${what} at ${macs} of ${column.macs}`,
      );
    }
    const ways = planned.filter(({ column }) => column?.units === 24).map(({ way }) => way);
    assert.deepEqual(ways, [
      'units',
      'units, distilled',
      'merging',
      'merging+units',
      'attention',
      'attention+units',
      'sliced-units',
    ]);
  });

  it('asks for no widths but those that it says beforehand', async () => {
    const given = sources();
    for (const { make } of planRows(given)) await make();
    assert.deepEqual(
      [...new Set(given.asked)].sort((a, b) => b - a),
      unitWidths(given),
    );
  });

  it('has the rows that are asked for, the distilled ones beside their refits', () => {
    const ways = planRows(sources(['units', 'queries-keys'])).map(({ way }) => way);
    assert.deepEqual([...new Set(ways)], ['units', 'units, distilled', 'queries-keys']);
    assert.deepEqual(unitWidths(sources(['attention'])), []);
  });
});
