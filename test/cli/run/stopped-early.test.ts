import assert from 'node:assert/strict';
import { stoppedEarly } from '../../../pipeline/cli/run/stopped-early.ts';

describe('cli/run/stopped-early', () => {
  it('says in the form that was asked for that nothing was begun', () => {
    const say = (form: Parameters<typeof stoppedEarly>[2]) => stoppedEarly('--stop-after', 'go on', form);
    const text = 'stopped by --stop-after before the work began; go on';
    assert.equal(say({ json: false }), `${text}\n`);
    assert.deepEqual(JSON.parse(say({ json: true })), { type: 'note', text });
    const { time, ...line } = JSON.parse(say({ json: false, logFormat: 'json' })) as Record<string, unknown>;
    assert.ok(time);
    assert.deepEqual(line, { level: 'warning', message: text });
  });
});
