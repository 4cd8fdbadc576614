import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { filesOf, openLibrary } from '../../pipeline/library/open.ts';
import { libraryReadme } from '../../pipeline/library/readme.ts';
import { referenceFfn } from '../../pipeline/library/reference-ffn.ts';
import { writeLibrary } from '../../pipeline/library/write.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { libraryInput, randomFfn, temporaryFolder, writtenLibrary } from './fixture.ts';
import { present } from '../support/present.ts';

describe('library/write', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  before(async () => (folder = await writtenLibrary()));
  after(() => folder.remove());

  it('writes what the manifest names, and nothing else', async () => {
    const { manifest } = await openLibrary(folder.path, { check: 'hashes' });
    const named = filesOf(manifest).map(({ path }) => path);
    const found = (await readdir(folder.path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1));
    assert.deepEqual(found.sort(), [...named, 'manifest.json', 'manifest.schema.json', 'README.md'].sort());
  });

  it("holds the teacher's block bit for bit, and each descendant in PyTorch's layout under timm's names", async () => {
    const teacher = randomFfn(1);
    const file = await openSafetensors(join(folder.path, 'blocks/block-01/w0020.safetensors'));
    assert.deepEqual([...file.names].sort(), [
      'blocks.1.mlp.fc1.bias',
      'blocks.1.mlp.fc1.weight',
      'blocks.1.mlp.fc2.bias',
      'blocks.1.mlp.fc2.weight',
    ]);
    assert.deepEqual(file.info('blocks.1.mlp.fc1.weight').shape, [20, 12]);
    const weight = await file.read('blocks.1.mlp.fc1.weight');
    for (let unit = 0; unit < 20; unit++) {
      for (let d = 0; d < 12; d++) assert.equal(weight[unit * 12 + d], teacher.fc1Kernel[d * 20 + unit]);
    }
    assert.equal(file.metadata.id, 'block-01/w0020');
    assert.equal(file.metadata.source, 'teacher');
    await file.close();
    const library = await openLibrary(folder.path);
    assert.deepEqual(await library.readFfn('block-01/w0020'), teacher);
    const kept = JSON.parse(
      await readFile(join(folder.path, 'blocks/block-01/kept-units.json'), 'utf8'),
    ) as Record<string, number[]>;
    assert.deepEqual(await library.readFfn('block-01/w0005'), sliceFfn(teacher, present(kept.w0005)));
  });

  it('lists the whole record of every descendant, by the names that the steps gave its parts', async () => {
    const { manifest } = await openLibrary(folder.path);
    const input = libraryInput();
    for (const [block, { descendants }] of manifest.blocks.entries()) {
      for (const [place, listed] of descendants.entries()) {
        const { record } = input.blocks[block]!.descendants[place]!;
        for (const [name, value] of Object.entries(record))
          assert.deepEqual(listed[name as keyof typeof record], value, `${record.id}: ${name}`);
        assert.equal(listed.refitStandardError === undefined, listed.source === 'teacher');
      }
    }
  });

  it('is smaller by the bytes of the units that are gone', async () => {
    const size = async (name: string) => (await stat(join(folder.path, 'blocks/block-00', name))).size;
    const [full, half] = [await size('w0020.safetensors'), await size('w0010.safetensors')];
    // 10 units less, 2 D + 1 float32 each; the headers differ by a few digits at most.
    assert.ok(Math.abs(full - half - 10 * 25 * 4) <= 32, `${full} - ${half}`);
  });

  it('carries self-test vectors that an independent implementation meets', async () => {
    const library = await openLibrary(folder.path);
    const file = await openSafetensors(library.pathOf(library.manifest.selfTest.file));
    const input = await file.read('input');
    assert.deepEqual(file.info('input').shape, [8, 12]);
    for (const { descendants } of library.manifest.blocks) {
      for (const { id } of descendants) {
        assert.deepEqual(await file.read(id), referenceFfn(await library.readFfn(id), input, 'exact'));
      }
    }
    await file.close();
  });

  it('gives the same bytes for the same input', async () => {
    const again = await writtenLibrary();
    try {
      for (const name of await readdir(folder.path, { recursive: true })) {
        if ((await stat(join(folder.path, name))).isDirectory()) continue;
        assert.equal(
          await sha256File(join(again.path, name)),
          await sha256File(join(folder.path, name)),
          name,
        );
      }
    } finally {
      await again.remove();
    }
  });

  it('ranks in CSV and JSON as in the manifest, and keeps folders of this machine out', async () => {
    const manifest = JSON.parse(await readFile(join(folder.path, 'manifest.json'), 'utf8')) as Manifest;
    const table = (await readFile(join(folder.path, 'ranking.csv'), 'utf8')).trimEnd().split('\n');
    const head = table[0]!;
    const lines = table.slice(1);
    const column = head.split(',').indexOf('id');
    const ids = manifest.ranking.entries.map(({ id }) => id);
    assert.equal(ids.length, 4);
    assert.deepEqual(
      lines.map((line) => line.split(',')[column]),
      ids,
    );
    assert.ok(lines.every((line) => line.split(',').length === head.split(',').length));
    const json = JSON.parse(await readFile(join(folder.path, 'ranking.json'), 'utf8')) as {
      entries: { id: string }[];
    };
    assert.deepEqual(
      json.entries.map(({ id }) => id),
      ids,
    );
    assert.deepEqual(manifest.config, { seed: 4, data: { path: 'photos', source: 'folder' } });
    assert.equal(manifest.blocks[0]!.descendants[0]!.rank, 0);
  });

  it('says in its README where images may have been trained on, and what was fitted to how many', async () => {
    const { manifest } = await openLibrary(folder.path);
    const flagged = (mayBeTrainedOn?: true) => {
      const selection = { ...manifest.data.selection, mayBeTrainedOn };
      return libraryReadme({ ...manifest, data: { ...manifest.data, selection } });
    };
    assert.ok(!flagged().includes('may have been trained on'));
    assert.ok(
      flagged(true).split('may have been trained on').length > 2,
      'at the numbers and at every table',
    );
    const used = { training: 90, heldOut: 10 };
    const fitted = { calibration: 400, statistics: used, refit: used, distill: null };
    assert.match(
      libraryReadme({ ...manifest, fitted }),
      /^- Of 400 calibration images, .* nothing is distilled\.$/m,
    );
  });

  it("has a README whose JavaScript reads the library's weights", async () => {
    const readme = await readFile(join(folder.path, 'README.md'), 'utf8');
    const code = present(/```ts\n([\s\S]*?)```/.exec(readme))[1];
    const script = join(folder.path, '..', `blockforge-readme-${process.pid}.mjs`);
    const home = process.cwd();
    await writeFile(script, `${code}\nexport default weights;\n`);
    try {
      process.chdir(folder.path);
      const { default: weights } = (await import(pathToFileURL(script).href)) as {
        default: Record<string, { shape: number[]; data: Float32Array }>;
      };
      assert.deepEqual(weights['blocks.0.mlp.fc1.weight']!.shape, [5, 12]);
      const { fc1Bias } = await (await openLibrary(folder.path)).readFfn('block-00/w0005');
      assert.deepEqual(weights['blocks.0.mlp.fc1.bias']!.data, fc1Bias);
    } finally {
      process.chdir(home);
      await (await import('node:fs/promises')).rm(script);
    }
  });

  it('stops at weights that are not the width they claim, and at numbers its schema refuses', async () => {
    await loadEngine('wasm');
    const scratch = await temporaryFolder();
    const tensors = tf.memory().numTensors;
    try {
      const wrong = libraryInput();
      Object.assign(wrong.blocks[0]!.descendants[1]!, { weights: () => Promise.resolve(randomFfn(0)) });
      await assert.rejects(writeLibrary(scratch.path, wrong), /block-00\/w0010: 20 hidden units/);
      const broken = libraryInput();
      Object.assign(broken.blocks[0]!.descendants[1]!.record, { predictedError: NaN });
      await assert.rejects(writeLibrary(scratch.path, broken), /gate|manifest, blocks.0.descendants.1/);
      const notFinite = libraryInput();
      const weights = sliceFfn(randomFfn(0), [...Array(10).keys()]);
      weights.fc2Kernel[3] = NaN;
      Object.assign(notFinite.blocks[0]!.descendants[1]!, { weights: () => Promise.resolve(weights) });
      await assert.rejects(
        writeLibrary(scratch.path, notFinite),
        /w0010.safetensors, tensor blocks.0.mlp.fc2.weight: NaN at index/,
      );
    } finally {
      await scratch.remove();
    }
    assert.equal(tf.memory().numTensors, tensors);
  });
});
