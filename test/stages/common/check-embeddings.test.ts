import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../../pipeline/config/schema.ts';
import { writeSafetensors } from '../../../pipeline/model/safetensors.ts';
import { withoutHead } from '../../../pipeline/model/architecture.ts';
import {
  checkEmbeddings,
  refuseEmbeddingsOfClassifier,
} from '../../../pipeline/stages/common/check-embeddings.ts';
import { tinyArchitecture } from '../../support/checkpoints.ts';

describe('text embeddings, before the run', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-embeddings-'));
  });
  after(() => rm(folder, { recursive: true }));

  const names = ['ant', 'bee', 'cat'];
  /** Three rows of the tiny model's eight features. */
  async function check(change: (rows: number[][]) => void, shape = [3, 8]) {
    const path = join(folder, 'text.safetensors');
    const rows = names.map((_, row) => Array.from({ length: 8 }, (__, i) => Math.sin(8 * row + i)));
    change(rows);
    await writeSafetensors(path, { texts: { shape, data: Float32Array.from(rows.flat()) } });
    const teacher = { checkpoint: 'x', head: 'none', textEmbeddings: path };
    const config = configSchema.parse({ teacher, data: { source: 'folder', path: 'x' } });
    const found = await checkEmbeddings({ config, file: 'a.yaml' }, withoutHead(tinyArchitecture), { names });
    assert.equal(found, path);
  }

  it('are taken at any length, one row for each class', async () => {
    await check((rows) => (rows[1] = rows[1]!.map((value) => 100 * value)));
  });

  it('are refused by class where a row has no direction, or that of another at any length', async () => {
    await assert.rejects(
      check((rows) => rows[1]!.fill(0)),
      /row 1 \(from 0\), of the class "bee", has zeros only/,
    );
    for (const wrong of [NaN, Infinity])
      await assert.rejects(
        check((rows) => (rows[2]![3] = wrong)),
        /row 2 \(from 0\), of the class "cat", has a number that is not finite/,
      );
    for (const scale of [1, 3])
      await assert.rejects(
        check((rows) => (rows[2] = rows[0]!.map((value) => scale * value))),
        /row 2 \(from 0\), of the class "cat", points where row 0, of "ant", points/,
      );
  });

  it('are refused beside a head, which the config may say is a projection', () => {
    const loaded = (head?: string) => ({
      config: configSchema.parse({
        teacher: { checkpoint: 'x', textEmbeddings: 'text.safetensors', ...(head && { head }) },
        data: { source: 'folder', path: 'x' },
      }),
      file: 'a.yaml',
    });
    assert.throws(
      () => refuseEmbeddingsOfClassifier(loaded(), tinyArchitecture),
      /a head of 5, taken for a classifier.*teacher\.head: projection/s,
    );
    refuseEmbeddingsOfClassifier(loaded('projection'), { ...tinyArchitecture, answer: 'projected' });
  });

  it('are refused in another shape with the order that their rows must have', async () => {
    await assert.rejects(
      check(() => undefined, [2, 12]),
      /\[2, 12\]\n.*one matrix \[3, 8\].*in their order \("ant", "bee", "cat"\)/s,
    );
  });
});
