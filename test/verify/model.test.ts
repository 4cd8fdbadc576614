import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelManifest } from '../../pipeline/compose/model-manifest.ts';
import { findModel, openModel } from '../../pipeline/compose/open-model.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import { findUnfit } from '../../pipeline/verify/unfit.ts';
import { sha256File } from '../../pipeline/util/hash.ts';
import { verifyModel } from '../../pipeline/verify/model.ts';
import { verifyLibrary, type Finding } from '../../pipeline/verify/library.ts';
import { openSafetensors, writeSafetensors, type NamedArrays } from '../../pipeline/model/safetensors.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { exchange, flipBit, patients, vouchFor, type Patients } from '../library/damage.ts';
import { temporaryFolder } from '../library/fixture.ts';
import { present } from '../support/present.ts';

const composition = ['block-00/w0005', 'block-01/w0010'];
const a = 'weights/block-00-w0005.safetensors';
const b = 'weights/block-01-w0010.safetensors';
const frame = 'weights/frame.safetensors';

interface Index {
  readonly metadata: { total_size: number };
  readonly weight_map: Record<string, string>;
}

interface Graph {
  readonly weightsManifest: { readonly paths: string[]; readonly weights: unknown[] }[];
}

describe('library/verify-model', function () {
  this.timeout(60_000);
  let library: Patients;
  let opened: Library;
  let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
  let whole: string;
  let copies = 0;
  before(async () => {
    library = await patients();
    opened = await openLibrary(library.path);
    scratch = await temporaryFolder();
    whole = join(scratch.path, 'whole');
    await writeModel(opened, composition, whole);
  });
  after(() => Promise.all([library.remove(), scratch.remove()]));

  /** A copy of the model that shares no file with the library, its manifest changed if asked for. */
  const copy = async (change?: (manifest: ModelManifest) => unknown): Promise<string> => {
    const path = join(scratch.path, String(copies++), 'model');
    await cp(whole, path, { recursive: true });
    if (change !== undefined) {
      const file = join(path, 'composition.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as ModelManifest;
      await writeFile(file, JSON.stringify(change(manifest) ?? manifest));
    }
    return path;
  };

  const assertFindings = (found: readonly Finding[], expected: [file: string, words: RegExp][]) => {
    const lines = found.map((item) => `${item.file}: ${item.found}; expected ${item.expected}`);
    const names = (files: string[]) => files.sort();
    assert.deepEqual(
      names(found.map(({ file }) => file)),
      names(expected.map(([file]) => file)),
      lines.join('\n'),
    );
    for (const [file, words] of expected) {
      assert.ok(
        lines.some((line) => line.startsWith(`${file}: `) && words.test(line)),
        `${words}\n${lines.join('\n')}`,
      );
    }
  };
  const findings = async (path: string, ...expected: [file: string, words: RegExp][]) =>
    assertFindings((await verifyModel(join(path, 'composition.json'))).findings, expected);

  /** Writes a file of a model again and vouches for it. */
  const rewrite = async (
    path: string,
    file: string,
    change: (arrays: NamedArrays, metadata: Record<string, string>) => void,
  ): Promise<void> => {
    const open = await openSafetensors(join(path, file));
    const arrays: NamedArrays = {};
    for (const name of open.names)
      arrays[name] = { shape: open.info(name).shape, data: await open.read(name) };
    const metadata = { ...open.metadata };
    await open.close();
    change(arrays, metadata);
    await writeSafetensors(join(path, file), arrays, metadata);
    await vouchFor(path, file);
  };
  const rewriteJson = async (
    path: string,
    file: string,
    change: (value: unknown) => unknown,
  ): Promise<void> => {
    const value: unknown = JSON.parse(await readFile(join(path, file), 'utf8'));
    await writeFile(join(path, file), JSON.stringify(change(value) ?? value));
    await vouchFor(path, file);
  };
  /** One text for another of the same length, in place. */
  const replaceText = async (path: string, file: string, from: string, to: string): Promise<void> => {
    assert.equal(from.length, to.length);
    const text = await readFile(join(path, file), 'latin1');
    assert.ok(text.includes(from), `no ${from} in ${file}`);
    await writeFile(join(path, file), text.replaceAll(from, to), 'latin1');
    await vouchFor(path, file);
  };

  it('finds nothing wrong with a whole model, in its library or alone, and counts what it looked at', async () => {
    const progress: number[] = [];
    const report = await verifyModel(join(whole, 'composition.json'), {
      onProgress: ({ fraction }) => progress.push(fraction),
    });
    const files = present(report.manifest).files.length;
    assert.deepEqual(report.findings, []);
    assert.deepEqual(report.notes, []);
    assert.deepEqual(
      report.checks.map(({ name, passed, of, skipped }) => [name, passed, of, skipped]),
      [
        ['manifest', 1, 1, 0],
        ['files', files, files, 0],
        ['hashes', files, files, 0],
        ['frame', 1, 1, 0],
        ['weights', 2, 2, 0],
        ['index', 1, 1, 0],
        ['graphs', 3, 3, 0],
      ],
    );
    assert.ok(progress.every((fraction, i) => i === 0 || fraction >= progress[i - 1]!));
    assert.equal(progress.at(-1), 1);
    await findings(await copy());
  });

  it('opens for readers: weights in the pipeline’s layout, none that leave the folder', async () => {
    const model = await openModel(whole, { check: 'hashes' });
    assert.deepEqual(await model.readFfn(0), await opened.readFfn(composition[0]!));
    assert.equal((await model.readFfn(1)).hidden, 10);
    assert.deepEqual(present((await model.readFrame()).cls_token).shape, [1, 1, 12]);
    assert.equal(await findModel(library.path), undefined);
    assert.equal(await findModel(join(whole, 'composition.json')), join(whole, 'composition.json'));
    const refuses = (path: string, words: RegExp, check?: 'hashes') =>
      assert.rejects(openModel(path, check && { check }), (error: unknown) => {
        assert.ok(error instanceof BlockForgeError, String(error));
        assert.match(error.message, words);
        return true;
      });
    await refuses(join(scratch.path, 'nowhere'), /no composition.json there/);
    await refuses(library.path, /no composition.json there/);
    await refuses(
      await copy((manifest) => ({ ...manifest, schemaVersion: 2 })),
      /newer than this BlockForge/,
    );
    await refuses(await copy((manifest) => ({ ...manifest, surprise: 1 })), /surprise/);
    await refuses(await copy(() => ({ kind: 'blockforge-library' })), /not a model manifest/);
    const flipped = await copy();
    await flipBit(join(flipped, a), -1);
    await openModel(flipped, { check: 'sizes' });
    await refuses(flipped, /its content has changed/, 'hashes');
    await refuses(flipped, /its content has changed/);
    await truncate(join(flipped, a), 30);
    await refuses(flipped, /30 bytes/);
  });

  it('names every file in which one bit has turned, or that is missing', async () => {
    const path = await copy();
    const { files } = (await openModel(path)).manifest;
    for (const { path: file } of files) {
      await flipBit(join(path, file), -1);
      await findings(path, [file, /content has changed; expected sha256/]);
      await flipBit(join(path, file), -1);
    }
    for (const { path: file } of files) {
      await rename(join(path, file), join(path, '..', 'away'));
      await findings(path, [file, /no such file/]);
      await rename(join(path, '..', 'away'), join(path, file));
    }
  });

  it('tells truncated and exchanged files', async () => {
    const path = await copy();
    for (const file of [a, 'model.onnx', 'model.json', 'model.safetensors.index.json']) {
      const other = await copy();
      await truncate(join(other, file), 40);
      await findings(other, [file, /40 bytes; expected \d+ bytes/]);
      await vouchFor(other, file);
      const report = await verifyModel(join(other, 'composition.json'));
      assert.equal(report.findings.length > 0, true, file);
    }
    await exchange(path, a, b);
    await findings(path, [a, new RegExp(`it holds ${b}`)], [b, new RegExp(`it holds ${a}`)]);
  });

  it('refuses paths and links that leave the folder', async () => {
    for (const hostile of ['../outside', '/etc/passwd', 'weights/../../x']) {
      const path = await copy(({ files }) => void (present(files.at(-1)).path = hostile));
      await findings(path, [
        'composition.json',
        /files.\d+.path: expected a relative path inside the folder/,
      ]);
    }
    const path = await copy();
    await rename(join(path, a), join(path, '..', 'outside'));
    await symlink(join(path, '..', 'outside'), join(path, a));
    await findings(path, [a, /a link that leaves the folder/]);
  });

  it('says everything that is wrong with a manifest', async () => {
    const of = async (change: (manifest: ModelManifest) => unknown, ...words: RegExp[]) =>
      findings(await copy(change), ...words.map((word): [string, RegExp] => ['composition.json', word]));
    await of((manifest) => ({ ...manifest, schemaVersion: 2 }), /newer than this BlockForge/);
    await of(
      ({ descendants }) => void descendants.reverse(),
      /descendants.0: expected block-00\/w0005/,
      /descendants.1/,
    );
    await of(
      ({ widths }) => void widths.pop(),
      /descendants: expected one descendant and one width per block/,
    );
    await of((manifest) => void (manifest.params += 1), /params: expected \d+, as architecture/);
    await of((manifest) => void (manifest.sizeBytes -= 1), /sizeBytes: expected \d+/);
    await of(({ files }) => void files.push(files[0]!), /files.\d+.path: listed twice/);
    await of(
      (manifest) => void (manifest.files = manifest.files.filter(({ path }) => path !== 'model.onnx')),
      /files: expected model.onnx among them/,
    );
    const cut = await copy();
    await truncate(join(cut, 'composition.json'), 200);
    await findings(cut, ['composition.json', /damaged: /]);
  });

  it('survives any value at any place of the manifest', async () => {
    const path = await copy();
    const file = join(path, 'composition.json');
    const text = await readFile(file, 'utf8');
    const hostile = [null, -1, 0, 0.5, 1e308, 2 ** 53, '', '../x', 'a/'.repeat(20_000), [], {}, [{}], true];
    const deep = '['.repeat(5000) + ']'.repeat(5000);
    const places: (readonly [object: Record<string, unknown>, key: string])[] = [];
    const manifest = JSON.parse(text) as Record<string, unknown>;
    const collect = (object: Record<string, unknown>): void => {
      for (const [key, value] of Object.entries(object)) {
        places.push([object, key]);
        if (typeof value === 'object' && value !== null) collect(value as Record<string, unknown>);
      }
    };
    collect(manifest);
    let harmless = 0;
    for (const [place, [object, key]] of places.entries()) {
      const before = object[key];
      // All values at each place would take minutes; each place still meets several.
      for (const value of [0, 1, 2].map((step) => hostile[(3 * place + step) % hostile.length])) {
        object[key] = value;
        await writeFile(file, JSON.stringify(manifest));
        const { findings: found } = await verifyModel(file);
        if (found.length === 0) harmless++;
      }
      object[key] = '@deep@';
      await writeFile(file, JSON.stringify(manifest).replace('"@deep@"', deep));
      assert.equal((await verifyModel(file)).findings.length, 1);
      object[key] = before;
    }
    // Means and names of classes may be any.
    assert.ok(harmless < (3 * places.length) / 16, `${harmless} of ${3 * places.length}`);
  });

  it('looks into weight files that the manifest vouches for', async () => {
    const path = await copy();
    await rewrite(path, a, (_arrays, metadata) => void (metadata.id = 'block-00/w0009'));
    await rewrite(
      path,
      b,
      (arrays) => void ((arrays['blocks.1.mlp.fc2.bias']!.data as Float32Array)[2] = NaN),
    );
    await findings(path, [a, /its header says id/], [b, /fc2.bias: NaN at index 2/]);
    const other = await copy();
    await rewrite(other, frame, (arrays) => {
      arrays['norm.bias'] = { shape: [3, 4], data: arrays['norm.bias']!.data };
    });
    await rewrite(other, b, (_arrays, metadata) => void (metadata.teacher = '0'.repeat(64)));
    await findings(
      other,
      [frame, /norm.bias: shape \[3, 4\]; expected \[12\]/],
      [b, /its header says teacher/],
    );
    const doubles = await copy();
    await rewrite(doubles, a, (arrays) => {
      const name = 'blocks.0.mlp.fc1.bias';
      arrays[name] = { shape: [5], data: Float64Array.from(arrays[name]!.data) };
    });
    // What `sizeBytes` has to say then is not the point.
    const sum = await stat(join(doubles, a));
    const manifest = JSON.parse(await readFile(join(doubles, 'composition.json'), 'utf8')) as ModelManifest;
    manifest.sizeBytes += sum.size - (await stat(join(whole, a))).size;
    await writeFile(join(doubles, 'composition.json'), JSON.stringify(manifest));
    await findings(doubles, [a, /fc1.bias: F64; expected F32/]);
  });

  it('holds index and graphs to the weight files', async () => {
    const index = 'model.safetensors.index.json';
    const indexed = async (change: (value: Index) => unknown, words: RegExp) => {
      const path = await copy();
      await rewriteJson(path, index, (value) => change(value as Index));
      await findings(path, [index, words]);
    };
    await indexed(
      (value) => void (value.weight_map['norm.bias'] = a),
      /"norm.bias" in .*; expected "weights\/frame/,
    );
    await indexed(
      (value) => void Reflect.deleteProperty(value.weight_map, 'norm.bias'),
      /"norm.bias" in nothing/,
    );
    await indexed((value) => void (value.weight_map.more = '../x'), /a weight "more"/);
    await indexed((value) => void (value.metadata.total_size += 4), /total_size/);
    await indexed(() => [], /expected object/);

    const graphed = async (change: (value: Graph) => unknown, words: RegExp) => {
      const path = await copy();
      await rewriteJson(path, 'model.json', (value) => change(value as Graph));
      await findings(path, ['model.json', words]);
    };
    await graphed(
      (value) => void (value.weightsManifest[0]!.paths[0] = '../../frame.safetensors'),
      /weights in "..\/..\/frame.safetensors"/,
    );
    await graphed(
      (value) => void (value.weightsManifest[0]!.paths[0] = 'https://example.org/frame'),
      /weights in "https:/,
    );
    await graphed(
      (value) => void value.weightsManifest[1]!.weights.pop(),
      /\d+ bytes of "weights\/.*; expected all/,
    );
    await graphed((value) => void value.weightsManifest.shift(), /it does not take cls_token from its file/);
    await graphed((value) => {
      const { weights } = value.weightsManifest[0]!;
      [weights[1], weights[2]] = [weights[2], weights[1]];
    }, /at byte \d+ of/);

    const onnx = async (from: string, to: string, words: RegExp) => {
      const path = await copy();
      await replaceText(path, 'model.onnx', from, to);
      await findings(path, ['model.onnx', words]);
    };
    await onnx(frame, `../${frame.slice(3)}`, /"..\/ghts\/frame.safetensors", bytes/);
    await onnx(a, b, /block-01-w0010.safetensors", bytes .*; expected weights\/block-00/);
    await onnx('norm.bias', 'norm.biaz', /"norm.biaz"|it does not take/);
    const other = await copy();
    await cp(join(library.path, present(opened.manifest.onnx).frame.path), join(other, 'model.onnx'));
    await vouchFor(other, 'model.onnx');
    await findings(other, ['model.onnx', /expected weights\/frame|it does not take|"frame.safetensors"/]);
    await writeFile(join(other, 'model.onnx'), 'no protobuf');
    await vouchFor(other, 'model.onnx');
    await findings(other, ['model.onnx', /not an ONNX model/]);
  });

  it('mentions what nobody vouches for', async () => {
    const path = await copy();
    await writeFile(join(path, 'weights', 'more.bin'), 'x');
    await symlink('/', join(path, 'everything'));
    const { findings: found, notes } = await verifyModel(join(path, 'composition.json'));
    assert.deepEqual(found, []);
    assert.deepEqual(
      notes.map(({ file }) => file),
      ['everything', 'weights/more.bin'],
    );
  });

  describe('under models/ of a library', () => {
    const withModels = async (change?: Parameters<Patients['copy']>[0]) => {
      const path = await library.copy(change);
      // A copy, for a hard link would carry the damage into the library.
      await cp(whole, join(path, 'models', 'small'), { recursive: true });
      return path;
    };

    it('is looked at with the library: whole, damaged, or no model', async () => {
      const path = await withModels();
      const progress: number[] = [];
      const report = await verifyLibrary(path, { onProgress: ({ fraction }) => progress.push(fraction) });
      assert.deepEqual(report.findings, []);
      assert.deepEqual(report.notes, []);
      assert.deepEqual(report.checks.at(-1), { name: 'models', passed: 1, of: 1, skipped: 0 });
      assert.ok(progress.every((fraction, i) => i === 0 || fraction >= progress[i - 1]!));

      await cp(join(path, 'models', 'small'), join(path, 'models', 'other'), { recursive: true });
      await flipBit(join(path, 'models', 'other', a), -1);
      await cp(join(path, 'models', 'small'), join(path, 'models', 'lost'), { recursive: true });
      await rm(join(path, 'models', 'lost', 'composition.json'));
      await cp(join(path, 'models', 'small'), join(path, 'models', 'x.tmp-0a1b2c3d'), { recursive: true });
      await symlink('small', join(path, 'models', 'linked'));
      await writeFile(join(path, 'models', 'notes.txt'), 'x');
      const damaged = await verifyLibrary(path);
      assertFindings(damaged.findings, [
        [`models/other/${a}`, /content has changed/],
        ['models/lost', /no composition.json/],
      ]);
      assert.deepEqual(damaged.checks.at(-1), { name: 'models', passed: 1, of: 3, skipped: 0 });
      assert.deepEqual(
        damaged.notes.map(({ file, note }) => `${file}: ${note}`),
        [
          'models/linked: a link, not followed',
          'models/notes.txt: not in the manifest',
          'models/x.tmp-0a1b2c3d: left by a command that was stopped; it can be deleted',
        ],
      );
    });

    it('must be of the weights of this library, whichever export of it', async () => {
      const { findings: none, notes } = await verifyLibrary(
        await withModels((manifest) => void (manifest.seed += 1)),
      );
      assertFindings(none, []);
      assert.match(
        notes.map(({ file, note }) => `${file}: ${note}`).join(),
        // The README is of the manifest as it was.
        /^README\.md: not what .*,models\/small: made from another export/,
      );
      const tanh = await withModels(({ teacher }) => void (teacher.architecture.gelu = 'tanh'));
      const { findings: other } = await verifyLibrary(tanh);
      assert.ok(
        other.some(({ file, found }) => file.startsWith('models/') && /another architecture/.test(found)),
      );
      // Says that it is, and holds other weights.
      const same = await withModels();
      await rewrite(
        join(same, 'models', 'small'),
        a,
        (arrays) => void ((arrays['blocks.0.mlp.fc1.bias']!.data as Float32Array)[0]! += 1),
      );
      assertFindings((await verifyLibrary(same)).findings, [
        [`models/small/${a}`, /not block-00\/w0005 of this library; expected sha256/],
      ]);
    });

    it('is set aside by a new export that does not have its weights, as a profile of another manifest is', async () => {
      const path = await withModels();
      await cp(join(path, 'models', 'small'), join(path, 'models', 'other'), { recursive: true });
      await rewriteJson(join(path, 'models', 'other'), 'composition.json', (value) => {
        const { files } = value as ModelManifest;
        present(files.find((file) => file.path === a)).sha256 = '0'.repeat(64);
      });
      await mkdir(join(path, 'models', 'lost'));
      await mkdir(join(path, 'profiles'));
      const manifestSha256 = await sha256File(join(path, 'manifest.json'));
      await writeFile(join(path, 'profiles', 'mine.json'), JSON.stringify({ manifestSha256 }));
      await writeFile(join(path, 'profiles', 'old.json'), JSON.stringify({ manifestSha256: 'another' }));
      await writeFile(join(path, 'profiles', 'broken.json'), '{');
      const fresh = await openLibrary(path);
      const unfit = await findUnfit(path, fresh);
      assert.deepEqual(unfit, [
        { path: 'models/other', why: 'not block-00/w0005 of this library' },
        { path: 'profiles/old.json', why: 'it was measured for an export with another manifest' },
      ]);
      assert.deepEqual(await findUnfit(join(path, 'nowhere'), fresh), []);
    });

    it('does not lead out of the library', async () => {
      const path = await library.copy();
      await symlink(scratch.path, join(path, 'models'));
      const { findings: found, checks, notes } = await verifyLibrary(path);
      assert.deepEqual(found, []);
      assert.ok(checks.every(({ name }) => name !== 'models'));
      assert.deepEqual(notes, [{ file: 'models', note: 'not in the manifest' }]);
    });
  });
});
