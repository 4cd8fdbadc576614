import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { readTensors, writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { hints, multihead, renamed } from './plain-model.ts';
import { namesRig } from './names-rig.ts';

const fixtures = join(import.meta.dirname, '../fixtures/teachers');
const untold = { pool: undefined };

/** As timm calls a norm behind pooling. */
function withNormAfter(architecture: Architecture) {
  return Object.fromEntries(
    Object.entries(strongWeights(architecture)).map(([name, tensor]) => [
      name.replace(/^norm\./, 'fc_norm.'),
      tensor,
    ]),
  );
}

describe('checkpoint: what a head reads', () => {
  const { inspected, refusal } = namesRig();

  it('of a pooling attention beside other tokens the patches, whoever tells it', async () => {
    const tensors = strongWeights({ ...tinyArchitecture, pool: 'patch-attention' });
    for (const hints of [untold, { pool: 'attention' as const }])
      assert.equal((await inspected(tensors, { hints })).architecture.pool, 'patch-attention');
    const alone = strongWeights({ ...tinyArchitecture, classToken: false, pool: 'attention' });
    assert.equal((await inspected(alone, { hints: untold })).architecture.pool, 'attention');
  });

  it('of names that are the same on both sides of a norm, with the side that the user says', async () => {
    const tensors = renamed(multihead);
    const note = /^nothing tells on which side of pooling the last norm stands: before it is assumed/;
    for (const names of [undefined, multihead]) {
      const told = (normAfterPool?: boolean) =>
        inspected(tensors, { names, hints: { pool: 'mean', normAfterPool } });
      const assumed = await told();
      assert.equal(assumed.architecture.pool, 'normed-mean');
      assert.ok(assumed.notes.some((one) => note.test(one)));
      for (const [isAfter, pool] of [
        [true, 'mean'],
        [false, 'normed-mean'],
      ] as const) {
        const { architecture, notes } = await told(isAfter);
        assert.equal(architecture.pool, pool);
        assert.ok(!notes.some((one) => note.test(one)));
      }
      const single = await inspected(tensors, { names });
      assert.ok(!single.notes.some((one) => note.test(one)), 'a class token is the same on both sides');
    }
  });

  it('of towers of OpenCLIP, too, whose norm may stand behind an average', async () => {
    const file = join(fixtures, 'openclip.safetensors');
    const tower = (normAfterPool?: boolean) =>
      inspectCheckpoint(file, { hints: { ...hints, pool: 'mean', normAfterPool } });
    assert.ok((await tower()).notes.some((note) => note.includes('teacher.hints.normAfterPool')));
    assert.equal((await tower(true)).architecture.pool, 'mean');
  });

  it('of a Dinov2ForImageClassification both vectors, its head left out or not there', async () => {
    const file = join(fixtures, 'huggingface-dinov2.safetensors');
    const features = { ...hints, pool: undefined };
    const { architecture } = await inspectCheckpoint(file, { hints: features, headless: true });
    assert.deepEqual([architecture.pool, architecture.classes], ['class-and-mean', 16]);
    const single = await inspectCheckpoint(file, { hints, headless: true });
    assert.deepEqual([single.architecture.pool, single.architecture.classes], [undefined, 8]);
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-pooling-'));
    try {
      const { tensors } = await readTensors(file);
      const bare = Object.fromEntries(
        Object.entries(tensors).filter(([name]) => !name.startsWith('classifier.')),
      );
      await writeSafetensors(join(folder, 'model.safetensors'), bare);
      for (const [title, pool] of [
        ['ForImageClassification', 'class-and-mean'],
        ['Model', undefined],
      ] as const) {
        const config = {
          model_type: 'dinov2',
          num_attention_heads: 2,
          image_size: 8,
          architectures: [`Dinov2${title}`],
        };
        await writeFile(join(folder, 'config.json'), JSON.stringify(config));
        assert.equal((await inspectCheckpoint(folder, { headless: true })).architecture.pool, pool, title);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('of a layer before the head or of a projection as wide as two vectors, one', async () => {
    const wide = strongWeights({ ...tinyArchitecture, representation: 16 });
    assert.equal((await inspected(wide, { hints: untold })).architecture.pool, undefined);
    const { notes, architecture } = await inspected(strongWeights({ ...tinyArchitecture, pool: 'class-and-mean' }), { hints: untold }); // prettier-ignore
    assert.equal(architecture.pool, 'class-and-mean');
    assert.deepEqual(notes, [
      'the head takes twice the width: the class token, then the mean of the patches, is assumed',
    ]);
  });

  it('of a norm whose name is fc_norm behind it, also by teacher.names', async () => {
    const tensors = withNormAfter(tinyArchitecture);
    const told = { names: { norm: 'fc_norm' }, hints: { pool: 'mean' } } as const;
    assert.equal((await inspected(tensors, told)).architecture.pool, 'mean');
    const other = inspected(tensors, { hints: { pool: 'mean', normAfterPool: false } });
    assert.match(
      await refusal(other, 'config-invalid'),
      /fc_norm\.weight is the name of a norm after pooling/,
    );
  });

  it('refuses a norm behind a pooling attention, or behind two vectors', async () => {
    const found = await refusal(
      inspected(withNormAfter({ ...tinyArchitecture, pool: 'patch-attention' }), { hints: untold }),
    );
    assert.match(found, /a norm behind pooling \(fc_norm\) and a head that reads a pooling attention/);
    const both = await refusal(
      inspected(withNormAfter({ ...tinyArchitecture, pool: 'class-and-mean' }), { hints: untold }),
    );
    assert.match(both, /a head that reads class-and-mean/);
  });
});
