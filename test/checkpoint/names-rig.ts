import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint, type InspectOptions } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { BlockForgeError, type FailureReason } from '../../pipeline/util/failure.ts';
import { hints, weights } from './plain-model.ts';

/** Files of a folder that lives as long as the tests around it, and what is read of them. */
export function namesRig() {
  let root: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-plain-names-'));
  });
  after(() => rm(root, { recursive: true }));

  async function inspected(tensors: NamedArrays, options: InspectOptions = {}) {
    const path = join(root, `${count++}.safetensors`);
    await writeSafetensors(path, tensors);
    return inspectCheckpoint(path, { ...options, hints: { ...hints, ...options.hints } });
  }

  async function assertReads(
    tensors: NamedArrays,
    options: InspectOptions = {},
    expected: HostWeights = weights,
  ) {
    const read = await readTeacher(await inspected(tensors, options));
    assert.deepEqual(Object.keys(read).sort(), Object.keys(expected).sort());
    for (const [name, { data }] of Object.entries(expected)) assert.deepEqual(read[name]!.data, data, name);
  }

  async function refusal(promise: Promise<unknown>, reason: FailureReason = 'checkpoint-unsupported') {
    let message = '';
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof BlockForgeError, String(error));
      assert.equal(error.failure.reason, reason, error.message);
      message = error.message;
      return true;
    });
    return message;
  }

  return { inspected, assertReads, refusal };
}
