import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { requireFoldable } from '../../pipeline/slicing/require-foldable.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

describe('checkpoint: a representation layer', () => {
  const architecture: Architecture = { ...tinyArchitecture, representation: 6 };
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'blockforge-representation-'));
  });
  after(() => rm(root, { recursive: true }));

  it('is read under each library’s name and from our own files', async () => {
    const own = strongWeights(architecture);
    const path = join(root, 'own.safetensors');
    await writeTeacher(path, own, architecture);
    assert.deepEqual((await inspectCheckpoint(path)).architecture, architecture);
    const timm = join(root, 'timm.safetensors');
    await writeSafetensors(
      timm,
      Object.fromEntries(
        Object.entries(own).map(([name, one]) => [name.replace('pre_logits.', 'pre_logits.fc.'), one]),
      ),
    );
    const inspection = await inspectCheckpoint(timm, {
      hints: { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' },
    });
    assert.deepEqual(inspection.architecture, architecture);
    const read = await readTeacher(inspection);
    assert.deepEqual(read['pre_logits.weight'], own['pre_logits.weight']);
  });

  it('counts, and keeps sub-models from being cut', () => {
    const [plain, more] = [modelCosts(tinyArchitecture), modelCosts(architecture)];
    const { width, classes } = architecture;
    const change = width * 6 + 6 * classes - width * classes;
    assert.equal(more.macs - plain.macs, change);
    assert.equal(more.params - plain.params, change + 6);
    assert.throws(() => requireFoldable(architecture, 'config.yaml'), /sub-models can be cut out of/);
  });
});
