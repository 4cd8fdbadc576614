import assert from 'node:assert/strict';
import { energyOf } from '../../../pipeline/stages/fleets/energy.ts';

describe('what an image takes by the model of energy', () => {
  it('is the multiply-adds and bytes of every device at their rates, its own rate first', () => {
    const devices = [
      { macs: 1e9, bytes: 1000 },
      { macs: 2e9, bytes: 500, perMacJ: 5e-11 },
    ];
    const { totalJ, dearestJ, teacherJ } = energyOf(devices, 1e10, { perMacJ: 1e-10, perByteJ: 1e-6 });
    assert.ok(Math.abs(totalJ - (0.1 + 1e-3 + 0.1 + 5e-4)) < 1e-12);
    assert.ok(Math.abs(dearestJ - 0.101) < 1e-12);
    assert.ok(Math.abs(teacherJ - 1) < 1e-12, 'a teacher has no wire');
  });
});
