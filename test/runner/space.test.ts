import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import type { Plan } from '../../pipeline/runner/plan.ts';
import { checkSpace, thisMachine, type Room } from '../../pipeline/runner/space.ts';
import type { JobStatus } from '../../pipeline/runner/states.ts';
import { BlockForgeError, type Failure } from '../../pipeline/util/failure.ts';
import { job } from './rig.ts';
import { present } from '../support/present.ts';

const gigabyte = 1e9;

function jobWith(id: string, disk: number, memory: number, parts: Partial<JobPlan> = {}): JobPlan {
  return job(id, {
    estimate: { seconds: 1, diskBytes: disk * gigabyte, memoryBytes: memory * gigabyte },
    ...parts,
  });
}

async function room(...args: Parameters<typeof look>): Promise<Room> {
  const found = await look(...args);
  if (found instanceof BlockForgeError) throw found;
  return found;
}

async function refusal(...args: Parameters<typeof look>): Promise<Failure | undefined> {
  const found = await look(...args);
  return found instanceof BlockForgeError ? found.failure : undefined;
}

async function look(
  jobs: readonly JobPlan[],
  slots: number,
  machine: { disk: number; memory: number },
  statuses: readonly [string, Partial<JobStatus>][] = [],
): Promise<Room | BlockForgeError> {
  const plan: Plan = {
    stages: ['order'],
    engine: 'wasm',
    selection: {},
    jobs: jobs.map((planned) => ({
      ...{ job: planned, stage: 'order', stageVersion: 1, needsEngine: true, forced: false, selected: true },
    })),
  };
  const all = new Map(jobs.map(({ id }): [string, JobStatus] => [id, { state: 'missing', why: '' }]));
  for (const [id, status] of statuses) all.set(id, { ...present(all.get(id)), ...status });
  const offered = {
    freeDiskBytes: () => Promise.resolve(machine.disk * gigabyte),
    memoryBytes: () => machine.memory * gigabyte,
  };
  try {
    return await checkSpace(plan, all, '/runs/x', slots, offered);
  } catch (error) {
    return error as BlockForgeError;
  }
}

describe('space', () => {
  const jobs = [jobWith('order/a', 4, 3), jobWith('order/b', 6, 2), jobWith('order/c', 10, 1)];

  it('adds up what the jobs write, with 5 % to spare', async () => {
    assert.equal(await refusal(jobs, 1, { disk: 21, memory: 8 }), undefined);
    const failure = await refusal(jobs, 1, { disk: 20.9, memory: 8 });
    assert.equal(failure?.reason, 'out-of-space');
    assert.match(failure.found, /20\.9 GB/);
    assert.equal(failure.expected, '21.0 GB for the 3 jobs to run; the largest: order/c, 10.0 GB');
  });

  it('leaves out what is fresh, and counts what is replaced as free', async () => {
    assert.equal(
      await refusal(jobs, 1, { disk: 11, memory: 8 }, [['order/c', { state: 'fresh' }]]),
      undefined,
    );
    const record = { outputs: [{ sizeBytes: 10 * gigabyte }] } as unknown as JobStatus['record'];
    assert.equal(
      await refusal(jobs, 1, { disk: 11, memory: 8 }, [['order/c', { state: 'stale', record }]]),
      undefined,
    );
  });

  it('adds up the memory of the largest jobs that can meet, and takes no more slots than fit', async () => {
    assert.equal(await refusal(jobs, 2, { disk: 99, memory: 5 }), undefined);
    const few = await room(jobs, 3, { disk: 99, memory: 5 });
    assert.equal(few.slots, 2);
    assert.match(few.note ?? '', /^2 of 3 jobs at once: .* 6\.00 GB, .* 5\.00 GB of memory$/);
    const failure = await refusal(jobs, 3, { disk: 99, memory: 2 });
    assert.match(failure?.next ?? '', /a single job does not fit/);
    assert.equal(failure?.expected, '3.00 GB for the largest job');
    const alone = jobWith('profile/a', 0, 5, { exclusive: true });
    assert.equal(
      await refusal([...jobs, alone], 2, { disk: 99, memory: 5 }),
      undefined,
      'exclusive jobs meet nobody',
    );
  });

  it('says which batches fit where those asked for do not', async () => {
    const batched = (id: string, setting: string, memory: number, images: number, bytes: number) => {
      const planned = jobWith(id, 1, memory);
      return { ...planned, estimate: { ...planned.estimate, batch: { setting, images, bytes } } };
    };
    // 2 GB and a quarter for each of 32 images; half a GB and a half for each of 16.
    const large = [
      batched('distill/a', 'distill.batchSize', 10, 32, 0.25 * gigabyte),
      batched('measure/a', 'measure.batchSize', 8.5, 16, 0.5 * gigabyte),
    ];
    const room = { disk: 99, memory: 5 };
    const found = await refusal([...jobs, ...large], 2, room);
    assert.equal(found?.next, 'batches that fit here: --set distill.batchSize=8 --set measure.batchSize=8');
    for (const other of [jobWith('order/d', 1, 6), batched('x/a', 'x.batchSize', 40, 2, 3 * gigabyte)])
      assert.match((await refusal([...large, other], 2, room))?.next ?? '', /a single job does not fit/);
  });

  it('reads this machine', async () => {
    assert.ok((await thisMachine.freeDiskBytes(tmpdir())) > 1e6);
    assert.ok(thisMachine.memoryBytes() > 1e8 && thisMachine.memoryBytes() < 1e15);
  });
});
