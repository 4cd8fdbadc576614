import assert from 'node:assert/strict';
import { makeExecutor } from '../../../pipeline/cli/run/make-executor.ts';
import { operationFields } from '../../../pipeline/config/operation.ts';
import type { PlanInput } from '../../../pipeline/stages/common/plan-input.ts';

describe('the executor of a run', () => {
  const before = process.env.BLOCKFORGE_QUEUE;
  afterEach(() => {
    if (before === undefined) delete process.env.BLOCKFORGE_QUEUE;
    else process.env.BLOCKFORGE_QUEUE = before;
  });
  /** Which queue it asks for, by the message that tells what is wrong with its address. */
  const queueOf = async (executor: object): Promise<string> => {
    const config = {
      executor: operationFields.executor.parse({ type: 'bullmq', ...executor }),
      precision: 'auto',
    };
    const input = { engine: 'wasm', loaded: { config } } as unknown as PlanInput;
    const making = makeExecutor({ registry: '', name: 'blocks' }, input, '/nowhere', () => undefined);
    return making.then(
      () => 'none',
      (error: unknown) => String(error),
    );
  };

  it('finds its queue where workers find theirs, unless the config says another one', async () => {
    process.env.BLOCKFORGE_QUEUE = 'of-the-environment';
    assert.match(await queueOf({}), /of-the-environment: not the address of a queue/);
    assert.match(await queueOf({ queue: 'of-the-config' }), /of-the-config: not the address of a queue/);
  });
});
