import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { interceptTasks, waitUntil } from '../../../pipeline/tensor/webgpu/waiting.ts';

/** Looks like a function of an addon: without a name and without source. */
function asNative(task: () => void): () => void {
  return Object.defineProperty(task.bind(undefined), 'name', { value: '' });
}

describe('waiting for the GPU inside a synchronous call', () => {
  before(() => interceptTasks());

  it('runs an addon’s tasks on the spot until the answer is there', () => {
    let looks = 0;
    const look = asNative(() => {
      if (++looks < 5) setImmediate(look);
    });
    setImmediate(look);
    assert.equal(
      waitUntil(() => looks === 5),
      true,
    );
  });

  it('says when the addon has nothing left to do', () => {
    setImmediate(asNative(() => undefined));
    assert.equal(
      waitUntil(() => false),
      false,
    );
  });

  it('leaves to the event loop what was not needed, once', async () => {
    let looks = 0;
    const look = (): void => {
      looks++;
    };
    setImmediate(asNative(look));
    setImmediate(asNative(look));
    waitUntil(() => looks === 1);
    assert.equal(looks, 1);
    await turn();
    await turn();
    assert.equal(looks, 2);
  });

  it('leaves the tasks of JavaScript alone', async () => {
    let ran = false;
    setImmediate(() => void (ran = true));
    waitUntil(() => false);
    assert.equal(ran, false);
    await turn();
    assert.equal(ran, true);
  });
});
