import assert from 'node:assert/strict';
import { scheduleMultiplier, type Schedule } from '../../pipeline/tensor/schedule.ts';

describe('scheduleMultiplier', () => {
  const cosine: Schedule = { name: 'cosine', steps: 100, warmupSteps: 10 };
  const at = (schedule: Schedule, step: number) => scheduleMultiplier(schedule, step);

  it('warms up linearly, from 1 / warmupSteps to 1', () => {
    assert.equal(at(cosine, 0), 0.1);
    assert.equal(at(cosine, 4), 0.5);
    assert.equal(at(cosine, 9), 1);
    assert.equal(at({ ...cosine, name: 'constant' }, 4), 0.5);
  });

  it('follows half a cosine: full after the warm-up, half in the middle, zero just after the end', () => {
    assert.equal(at(cosine, 10), 1);
    assert.ok(Math.abs(at(cosine, 55) - 0.5) < 1e-15);
    assert.ok(Math.abs(at(cosine, 40) - 0.75) < 1e-15, '0.5 (1 + cos(pi / 3))');
    assert.ok(at(cosine, 99) > 0 && at(cosine, 99) < 1e-3);
    assert.equal(at(cosine, 100), 0);
    assert.equal(at(cosine, 1000), 0);
  });

  it('falls monotonically after the warm-up', () => {
    for (let step = 10; step < 99; step++) assert.ok(at(cosine, step + 1) < at(cosine, step));
  });

  it('stays at 1 when constant, and copes with no warm-up or nothing but warm-up', () => {
    assert.equal(at({ name: 'constant', steps: 100, warmupSteps: 0 }, 0), 1);
    assert.equal(at({ name: 'constant', steps: 100, warmupSteps: 10 }, 99), 1);
    assert.equal(at({ name: 'cosine', steps: 1, warmupSteps: 0 }, 0), 1);
    assert.equal(at({ name: 'cosine', steps: 4, warmupSteps: 4 }, 3), 1);
  });
});
