import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { modelManifestSchema, type MeasuredModel } from '../../pipeline/compose/model-manifest.ts';
import { openModel } from '../../pipeline/compose/open-model.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { writeIndexFile } from '../../pipeline/measure/index-file.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { libraryInput, temporaryFolder, writtenLibrary } from '../library/fixture.ts';
import { runtimeOrSkip } from '../graphs/support.ts';
import { present } from '../support/present.ts';

const first = ['block-00/w0005', 'block-01/w0010'];
const second = ['block-00/w0005', 'block-01/w0020'];

describe('library/forms/write-model', () => {
  let folder: Awaited<ReturnType<typeof writtenLibrary>>;
  let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
  let library: Library;
  before(async () => {
    folder = await writtenLibrary();
    library = await openLibrary(folder.path);
  });
  after(() => folder.remove());
  beforeEach(async () => (scratch = await temporaryFolder()));
  afterEach(() => scratch.remove());

  const inode = async (...path: string[]) => (await stat(join(...path))).ino;

  it('stores what two compositions share once, in the library', async () => {
    const [a, b] = [join(scratch.path, 'a'), join(scratch.path, 'b')];
    await writeModel(library, first, a);
    await writeModel(library, second, b);
    for (const [own, inLibrary] of [
      ['weights/frame.safetensors', 'frame.safetensors'],
      ['weights/block-00-w0005.safetensors', 'blocks/block-00/w0005.safetensors'],
    ] as const) {
      const expected = await inode(library.folder, inLibrary);
      assert.equal(await inode(a, own), expected);
      assert.equal(await inode(b, own), expected);
    }
    assert.notEqual(
      await inode(a, 'weights/block-01-w0010.safetensors'),
      await inode(b, 'weights/block-01-w0020.safetensors'),
    );
  });

  it('copies where the file system cannot link, and says in words when the disk is full', async () => {
    const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
    const model = join(scratch.path, 'model');
    const manifest = await writeModel(library, first, model, { link: failing('EXDEV') });
    for (const { path, sha256 } of manifest.files) assert.equal(await sha256File(join(model, path)), sha256);
    const own = 'weights/frame.safetensors';
    assert.notEqual(await inode(model, own), await inode(library.folder, 'frame.safetensors'));
    await assert.rejects(
      writeModel(library, first, join(scratch.path, 'other'), { link: failing('ENOSPC') }),
      { name: 'BlockForgeError', message: /other: the disk is full; nothing half-written was left/ },
    );
    assert.deepEqual(await readdir(scratch.path), ['model']);
  });

  it('describes every file, and the weights under timm’s names without one missing or twice', async () => {
    const model = join(scratch.path, 'model');
    const measured: MeasuredModel = {
      split: 'selection',
      images: 200,
      top1Percent: { mean: 79, low: 73, high: 84 },
      top1DeltaPp: { mean: -1, low: -3, high: 1 },
      kl: 0.02,
      agreementPercent: 97,
    };
    const predicted = { by: 'predictor', top1LossPp: 1.2 } as const;
    const manifest = await writeModel(library, first, model, {
      measured,
      predicted,
      limits: { params: 4000 },
    });
    const read = modelManifestSchema.parse(
      JSON.parse(await readFile(join(model, 'composition.json'), 'utf8')),
    );
    assert.deepEqual(read, manifest);
    assert.deepEqual(
      [read.widths, read.measured, read.predicted, read.limits],
      [[5, 10], measured, predicted, { params: 4000 }],
    );
    assert.equal(read.library.manifestSha256, await sha256File(join(library.folder, 'manifest.json')));
    const found = (await readdir(model, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(model.length + 1));
    const listed = read.files.map(({ path }) => path);
    assert.deepEqual(found.sort(), [...listed, 'composition.json'].sort());
    for (const { path, sizeBytes, sha256 } of read.files) {
      assert.equal((await stat(join(model, path))).size, sizeBytes, path);
      assert.equal(await sha256File(join(model, path)), sha256, path);
    }

    const index = JSON.parse(await readFile(join(model, 'model.safetensors.index.json'), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    const { architecture } = library.manifest.teacher;
    assert.deepEqual(Object.keys(index.weight_map).sort(), Object.keys(canonicalShapes(architecture)).sort());
    let elements = 0;
    for (const path of new Set(Object.values(index.weight_map))) {
      const file = await openSafetensors(join(model, path));
      for (const name of file.names) {
        assert.equal(index.weight_map[name], path);
        elements += (await file.read(name)).length;
      }
      await file.close();
    }
    assert.equal(index.metadata.total_size, 4 * elements);
    assert.equal(read.params, elements);
  });

  for (const kind of ['k-nn', 'zero-shot'] as const) {
    it(`has beside it what gives features their classes (${kind}), and says how`, async () => {
      const path = join(scratch.path, 'index.safetensors');
      const features = Float32Array.from({ length: 4 * 12 }, (_, i) => (i % 13 === 0 ? 1 : 0));
      await writeIndexFile(path, kind, {
        width: 12,
        classes: 4,
        features,
        labels: Int32Array.of(0, 1, 2, 3),
      });
      const of = await writtenLibrary({
        ...libraryInput({ answer: 'pooled', classes: 12 }),
        index: { kind, path },
      });
      try {
        const model = join(scratch.path, 'model');
        const manifest = await writeModel(await openLibrary(of.path), first, model);
        assert.deepEqual(manifest.index, {
          path: 'index.safetensors',
          ...(kind === 'k-nn' && { neighbours: 20, temperature: 0.07 }),
        });
        assert.equal(await sha256File(join(model, 'index.safetensors')), await sha256File(path));
        await openModel(model);
        const readme = await readFile(join(model, 'README.md'), 'utf8');
        assert.match(readme, kind === 'k-nn' ? /vote of the 20 nearest/ : /nearest embedding by cosine/);
        assert.match(readme, /index = load_file\("index\.safetensors"\)/);
        const { files, ...rest } = manifest;
        const lost = modelManifestSchema.safeParse({
          ...rest,
          files: files.filter((file) => file.path !== 'index.safetensors'),
        });
        assert.match(String(lost.error), /expected index\.safetensors among them/);
      } finally {
        await of.remove();
      }
    });
  }

  it('is small beside its weights: the graphs hold none', async () => {
    const model = join(scratch.path, 'model');
    await writeModel(library, first, model);
    const onnx = await readFile(join(model, 'model.onnx'));
    const file = await openSafetensors(join(model, 'weights/frame.safetensors'));
    const data = await file.read('blocks.0.attn.qkv.weight');
    await file.close();
    assert.equal(onnx.indexOf(Buffer.from(data.buffer, data.byteOffset, 16)), -1);
  });

  it('replaces a model, and nothing else', async () => {
    const model = join(scratch.path, 'model');
    await writeModel(library, first, model);
    const manifest = await writeModel(library, second, model);
    assert.deepEqual(manifest.widths, [5, 20]);
    assert.deepEqual((await readdir(join(model, 'weights'))).sort(), [
      'block-00-w0005.safetensors',
      'block-01-w0020.safetensors',
      'frame.safetensors',
      'tfjs-constants.bin',
    ]);
    await rm(join(model, 'composition.json'));
    await assert.rejects(writeModel(library, first, model), /it exists and is no model folder/);
    await mkdir(join(scratch.path, 'empty'));
    await writeModel(library, first, join(scratch.path, 'empty'));
    assert.deepEqual((await readdir(scratch.path)).sort(), ['empty', 'model']);
  });

  it('refuses what is no composition, and weights that are not those of the manifest', async () => {
    const model = join(scratch.path, 'model');
    await assert.rejects(writeModel(library, ['block-00/w0005'], model), /1 descendants/);
    await assert.rejects(writeModel(library, [...first].reverse(), model), /block-01\/w0010 in block 0/);
    await assert.rejects(writeModel(library, ['block-00/w0004', first[1]!], model), /no descendant/);
    const damaged = await writtenLibrary();
    try {
      const path = join(damaged.path, 'blocks/block-00/w0005.safetensors');
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(path, bytes);
      await assert.rejects(
        writeModel(await openLibrary(damaged.path, { check: 'sizes' }), first, model),
        /w0005.safetensors: sha256/,
      );
    } finally {
      await damaged.remove();
    }
    assert.deepEqual(await readdir(scratch.path), []);
  });

  it('has a README whose Node example runs', async function () {
    await runtimeOrSkip(this);
    const model = join(scratch.path, 'model');
    await writeModel(library, first, model);
    const readme = await readFile(join(model, 'README.md'), 'utf8');
    const code = present(/## Node\n\n```js\n([\s\S]*?)```/.exec(readme))[1]!;
    const runtime = pathToFileURL(createRequire(import.meta.url).resolve('onnxruntime-node')).href;
    const script = join(scratch.path, `${basename(scratch.path)}.mjs`);
    await writeFile(
      script,
      `${code.replace("'onnxruntime-node'", `'${runtime}'`)}\nexport default logits;\n`,
    );
    const home = process.cwd();
    try {
      process.chdir(model);
      const { default: logits } = (await import(pathToFileURL(script).href)) as {
        default: { dims: number[]; data: Float32Array };
      };
      assert.deepEqual(logits.dims, [1, 4]);
      assert.ok(logits.data.every(Number.isFinite));
    } finally {
      process.chdir(home);
    }
  });
});
