import assert from 'node:assert/strict';
import { pythonFloat } from '../../pipeline/legodnn/metrics.ts';

describe('library/legodnn/python-float', () => {
  it("prints as Python's repr, with the point that PyYAML needs", () => {
    const cases: [number, string][] = [
      [0, '0.0'],
      [-0, '-0.0'],
      [2, '2.0'],
      [0.25, '0.25'],
      [-17.5, '-17.5'],
      [0.0001, '0.0001'],
      [0.00001, '1.0e-05'],
      [1.25e-7, '1.25e-07'],
      [1113396224, '1113396224.0'],
      [123456789012345680, '1.2345678901234568e+17'],
      [1e16, '1.0e+16'],
      [9007199254740992, '9007199254740992.0'],
    ];
    for (const [value, text] of cases) {
      assert.equal(pythonFloat(value), text);
      assert.equal(Number(text), value);
    }
    assert.throws(() => pythonFloat(NaN));
  });
});
