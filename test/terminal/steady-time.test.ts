import assert from 'node:assert/strict';
import { present } from '../support/present.ts';
import { createSteadyTime } from '../../pipeline/terminal/steady-time.ts';

describe('the time left on a screen', () => {
  it('goes down with the clock', () => {
    let clock = 0;
    const steady = createSteadyTime(() => clock);
    assert.equal(steady.read(), undefined);
    steady.hear(100);
    assert.equal(steady.read(), 100);
    clock = 30;
    assert.equal(steady.read(), 70);
    clock = 500;
    assert.equal(steady.read(), 0);
  });

  it('takes a new guess over within seconds, not at once', () => {
    let clock = 0;
    const steady = createSteadyTime(() => clock);
    steady.hear(100);
    steady.hear(300);
    assert.equal(steady.read(), 100);
    const shown = Array.from({ length: 100 }, () => {
      clock += 0.5;
      return present(steady.read());
    });
    const steps = shown.slice(1).map((value, i) => Math.abs(value - shown[i]!));
    assert.ok(Math.max(...steps) < 25, 'no jump');
    assert.ok(Math.abs(present(shown.at(-1)) - 250) < 5, 'it arrives');
  });
});
